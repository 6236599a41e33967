import Noisemax
import Testing

/// Batches: every row draws from its own stream, whatever happens to the others.
@Suite struct RandomRowsTests {
  let argmax = NoisyArgmax(.logistic)
  let rows = 301
  let rowLength = 5
  var logits: [Double] {
    var generator = StreamGenerator(seed: 10)
    return Normal().random(count: rows * rowLength, using: &generator)
  }

  @Test func rowsHaveTheirOwnStreams() {
    let drawn = argmax.randomIndices(forRowsOf: logits, rowLength: rowLength, seed: 7)
    for row in 0..<rows {
      var generator = StreamGenerator(seed: 7, stream: UInt64(row))
      let alone = Array(logits[row * rowLength..<(row + 1) * rowLength])
      #expect(argmax.randomIndex(for: alone, using: &generator) == drawn[row])
    }
    let ranked = argmax.randomIndices(forRowsOf: logits, rowLength: rowLength, distinct: 2, seed: 7)
    #expect(ranked.map(\.first) == drawn && ranked.allSatisfy { $0.count == 2 })
    let rest = Array(logits[10 * rowLength..<20 * rowLength])
    #expect(
      argmax.randomIndices(forRowsOf: rest, rowLength: rowLength, distinct: 2, seed: 7, firstRow: 10)
        == Array(ranked[10..<20]))
    // A generator gives the seed, one word.
    var generator = ScriptedGenerator(7)
    #expect(argmax.randomIndices(forRowsOf: logits, rowLength: rowLength, using: &generator) == drawn)
    #expect(generator.used == 1)
    let logits = logits
    #expect(argmax.randomIndices(forRowsOf: logits.span, rowLength: rowLength, using: &generator) == drawn)
    #expect(
      argmax.randomIndices(forRowsOf: logits.span, rowLength: rowLength, distinct: 2, using: &generator)
        == ranked)
    #expect(
      argmax.relaxedSample(forRowsOf: logits.span, rowLength: rowLength, temperature: 1, using: &generator)
        .indices
        == drawn)
  }

  /// One batch, batches of any size, and batches on several threads: the same indices.
  @Test func partitionsDoNotMatter() async {
    let (argmax, logits, rowLength, rows) = (argmax, logits, rowLength, rows)
    let whole = argmax.randomIndices(forRowsOf: logits, rowLength: rowLength, seed: 8)
    for size in [1, 7, 100, 300] {
      let parts = await withTaskGroup(of: (Int, [Int?]).self) { group in
        for first in stride(from: 0, to: rows, by: size) {
          group.addTask {
            let part = Array(logits[first * rowLength..<min(rows, first + size) * rowLength])
            let drawn = argmax.randomIndices(
              forRowsOf: part, rowLength: rowLength, seed: 8, firstRow: first)
            return (first, drawn)
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(parts.sorted { $0.0 < $1.0 }.flatMap(\.1) == whole)
    }
  }

  /// A million equal rows: together the streams draw like one generator.
  @Test func streamsTogetherMatchTheProbabilities() {
    let row = [0.5, 0, -1, 1]
    let count = isDebugBuild ? 5_000 : 200_000
    let batch = (0..<count).flatMap { _ in row }
    let drawn = argmax.randomIndices(forRowsOf: batch, rowLength: 4, seed: 9).compactMap { $0 }
    let test = ChiSquare(
      observed: frequencies(of: drawn, classes: 4), probabilities: argmax.probabilities(for: row))
    #expect(!test.isSuspicious, "\(test)")
    // Neighbouring rows are independent: the pairs have the products as their probabilities.
    let pairs = stride(from: 0, to: count - 1, by: 2).map { drawn[$0] * 4 + drawn[$0 + 1] }
    let p = argmax.probabilities(for: row)
    let pairTest = ChiSquare(
      observed: frequencies(of: pairs, classes: 16),
      probabilities: p.flatMap { first in p.map { first * $0 } })
    #expect(!pairTest.isSuspicious, "\(pairTest)")
  }

  @Test func edges() {
    let drawn = argmax.randomIndices(
      forRowsOf: [-.infinity, -.infinity, 0, -.infinity, .nan, 1], rowLength: 2)
    #expect(drawn == [nil, 0, nil])
    #expect(argmax.randomIndices(forRowsOf: [], rowLength: 0).isEmpty)
    #expect(argmax.randomIndices(forRowsOf: [Float](), rowLength: 4).isEmpty)
    var generator = SystemRandomNumberGenerator()
    let many = argmax.randomIndices(
      forRowsOf: [0, 1, 2, 0, -.infinity, 1], rowLength: 3, distinct: 9, using: &generator)
    #expect(many[0].sorted() == [0, 1, 2] && many[1].sorted() == [0, 2])
  }

  @Test func impossibleShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).randomIndices(forRowsOf: [1, 2, 3], rowLength: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).randomIndices(forRowsOf: [1.0, 2], rowLength: 2, seed: 1, firstRow: -1)
    }
  }
}
