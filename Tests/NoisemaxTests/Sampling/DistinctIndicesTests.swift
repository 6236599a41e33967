import Noisemax
import Testing

/// Sampling without replacement.
@Suite struct DistinctIndicesTests {
  /// Under Gumbel noise, pairs come with the probabilities of drawing twice from the softmax, the first one removed.
  @Test func gumbelDrawsOneAfterTheOther() {
    let row = [0.5, 0, -1, 1]
    let p = NoisyArgmax(.gumbel).probabilities(for: row)
    let pairs = p.indices.flatMap { i in p.indices.map { j in i == j ? 0 : p[i] * p[j] / (1 - p[i]) } }
    var generator = StreamGenerator(seed: 1)
    let drawn = (0..<(isDebugBuild ? 10_000 : 300_000)).map { _ in
      let pair = NoisyArgmax(.gumbel).randomIndices(for: row, distinct: 2, using: &generator)
      return pair[0] * 4 + pair[1]
    }
    let test = ChiSquare(observed: frequencies(of: drawn, classes: 16), probabilities: pairs)
    #expect(!test.isSuspicious, "\(test)")
  }

  /// The order is that of the perturbed logits of the same draw, for every number asked for.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func orderIsThatOfThePerturbedLogits(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    var logits = StreamGenerator(seed: 2)
    for size in [2, 3, 10, 97] {
      var row = Normal().random(count: size, using: &logits)
      if size > 3 { row[2] = -.infinity }
      for seed in 0..<UInt64(5) {
        var generator = StreamGenerator(seed: seed)
        let perturbed = argmax.relaxedSample(for: row, temperature: 1, using: &generator).perturbedLogits
        let ranked = row.indices.filter { row[$0] > -.infinity }.sorted { perturbed[$0] > perturbed[$1] }
        for count in [0, 1, 2, 5, size - 1, size, size + 10] {
          generator = StreamGenerator(seed: seed)
          #expect(
            argmax.randomIndices(for: row, distinct: count, using: &generator) == Array(ranked.prefix(count)))
        }
        generator = StreamGenerator(seed: seed)
        #expect(argmax.randomIndex(for: row, using: &generator) == ranked[0])
      }
    }
  }

  /// A generator that repeats a word gives every class the same noise: of equal scores, the class that came first leads.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func equalScoresAreInTheOrderOfTheRow(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    for size in [2, 3, 7, 40] {
      let row = (0..<size).map { $0 % 3 == 1 ? 1.0 : 0 }
      let ranked = row.indices.filter { row[$0] == 1 } + row.indices.filter { row[$0] == 0 }
      for count in [1, 2, 3, 5, size - 1, size, size + 1] {
        var generator = ScriptedGenerator(0x5555_5555_5555_5555)
        let drawn = argmax.randomIndices(for: row, distinct: count, using: &generator)
        #expect(drawn == Array(ranked.prefix(count)), "\(row), \(count) of them")
      }
    }
  }

  @Test func onlyOpenClassesAreThere() {
    let argmax = NoisyArgmax(.uniform)
    #expect(argmax.randomIndices(for: [-.infinity, 1, -.infinity, 1], distinct: 100).sorted() == [1, 3])
    #expect(argmax.randomIndices(for: [-.infinity, 1], distinct: .max) == [1])
    #expect(argmax.randomIndices(for: [-.infinity], distinct: 2).isEmpty)
    #expect(argmax.randomIndices(for: [], distinct: 2).isEmpty)
    #expect(argmax.randomIndices(for: [1, .nan], distinct: 2).isEmpty)
    #expect(argmax.randomIndices(for: [.infinity, .infinity], distinct: 2).isEmpty)
    #expect(argmax.randomIndices(for: [0, 9, .infinity, -.infinity, 5], distinct: 9) == [2, 1, 4, 0])
    #expect(argmax.randomIndices(for: [.infinity, -.infinity], distinct: 9) == [0])
    let floats: [Float] = [-3e38, 0, -.infinity]
    #expect(argmax.randomIndices(for: floats, distinct: 3) == [1, 0])
  }
}
