import Foundation
import Noisemax
import Testing

/// P(i among the k largest): against independent values, closed forms and what must hold for every k.
@Suite struct InclusionTests {
  /// Within 1e-11 relative of 24 digits.
  @Test(arguments: Fixture.transformLaws)
  func agreesWithIndependentValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for row in try Fixture.transformCases(of: law) {
      for (k, values) in [(1, row.probabilities), (2, row.topTwo), (3, row.topThree)]
      where k <= row.logits.count {
        let result = argmax.inclusionProbabilities(for: row.logits, largest: k, scales: row.everyScale)
        let single = argmax.inclusionProbabilities(
          for: row.logits.map { Float($0) }, largest: k, scales: row.everyScale.map { Float($0) })
        for i in result.indices {
          let truth = try double(values[i])
          let testCase = "\(row.testDescription), k = \(k), class \(i)"
          #expect(
            (result[i] - truth).magnitude <= 1e-11 * truth, "\(testCase): \(result[i]), not \(truth)")
          // Rounding logits and scales to Floats moves rare classes further.
          #expect((Double(single[i]) - truth).magnitude <= 1e-5, "\(testCase): \(single[i]), not \(truth)")
        }
      }
    }
  }

  /// Under Gumbel noise the k largest come one after the other, each from the softmax of those left.
  @Test(arguments: [1, 2, 3, 4])
  func gumbelIsDrawingOneByOne(k: Int) {
    let logits = [0.5, -1, 2, 0.25, -30]
    let weights = logits.map { exp($0) }
    func inclusions(_ left: Set<Int>, _ k: Int) -> [Double] {
      var result = [Double](repeating: 0, count: logits.count)
      guard k > 0 else { return result }
      let total = left.reduce(0) { $0 + weights[$1] }
      for first in left.sorted() {
        let probability = weights[first] / total
        result[first] += probability
        for (i, value) in inclusions(left.subtracting([first]), k - 1).enumerated() {
          result[i] += probability * value
        }
      }
      return result
    }
    let truth = inclusions(Set(logits.indices), k)
    let result = NoisyArgmax(.gumbel).inclusionProbabilities(for: logits, largest: k)
    for i in logits.indices {
      #expect(
        (result[i] / truth[i] - 1).magnitude <= 1e-12, "k = \(k), class \(i): \(result[i]), not \(truth[i])")
    }
  }

  /// They sum to k, grow with k, and keep the order of the logits.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func sumsAndOrders(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, -3, 0.31]
    var before = [Double](repeating: 0, count: logits.count)
    for k in 1...7 {
      let result = argmax.inclusionProbabilities(for: logits, largest: k)
      let testCase = "\(law), k = \(k): \(result)"
      #expect((result.reduce(0, +) - Double(min(k, 6))).magnitude <= 1e-13, "\(testCase)")
      #expect(result[3] == 0, "\(testCase)")
      #expect(result[0] == result[6], "\(testCase)")
      for i in logits.indices {
        #expect(result[i] <= 1 && result[i] >= before[i] * (1 - 1e-13), "\(testCase)")
        for j in logits.indices where logits[i] > logits[j] {
          #expect(result[i] >= result[j] * (1 - 1e-13), "\(testCase)")
        }
      }
      before = result
    }
  }

  /// Equal classes get equal bits wherever they stand, also where one is at 0 and the other at −0; others keep their own.
  @Test(arguments: [2, 3])
  func equalClassesGetEqualBits(k: Int) {
    let count = 300
    var logits: [Double] = [0, 0.5, -0.0]
    var scales: [Double] = [1, 1, 1]
    for index in 0..<count {
      let number = Double(index)
      logits.append(index % 3 == 0 ? 1 / Double(index % 7 + 1) : sin(number))
      scales.append(index % 6 == 0 ? 0.5 : 1)
    }
    let result = NoisyArgmax(.normal).inclusionProbabilities(for: logits, largest: k, scales: scales)
    let row = logits.indices.map { SIMD2<Double>(logits[$0] + 0, scales[$0]) }
    let first = Dictionary(zip(row, result)) { first, _ in first }
    #expect(first.count > 200 && first.count < result.count - 50 && result[0] == result[2], "k = \(k)")
    for (index, value) in result.enumerated() {
      #expect(value == first[row[index]], "k = \(k), class \(index): \(value)")
    }
    #expect(Set(result).count > 190, "k = \(k): \(Set(result).count) values of \(first.count) classes")
  }

  /// All but one of three: the complement of the least, whose law is the mirrored one.
  @Test func allButOneIsTheComplementOfTheLeast() {
    let logits = [0.4, -1.5, 8]
    let scales = [1, 0.3, 2]
    let result = NoisyArgmax(.gumbel).inclusionProbabilities(for: logits, largest: 2, scales: scales)
    let least = NoisyArgmax(.reversedGumbel).probabilities(for: logits.map { -$0 }, scales: scales)
    for i in logits.indices {
      #expect((result[i] - (1 - least[i])).magnitude <= 1e-14, "class \(i): \(result[i]), \(least[i])")
    }
  }

  /// With k = 1 and one scale the ordinary row, bit for bit.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func oneOfEqualScalesIsTheOrdinaryTransform(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.7)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, -3, 0.31]
    #expect(argmax.inclusionProbabilities(for: logits, largest: 1) == argmax.probabilities(for: logits))
    let wider = NoisyArgmax(argmax, scale: 0.7 * 1.3)
    let scales: [Double] = [1.3, 1.3, 1.3, 5, 1.3, 1.3, 1.3]
    #expect(argmax.probabilities(for: logits, scales: scales) == wider.probabilities(for: logits))
    #expect(argmax.logProbabilities(for: logits, scales: scales) == wider.logProbabilities(for: logits))
    // An ulp apart they agree within their bounds.
    var others = scales
    others[0] = 1.3.nextUp
    let (near, ordinary) = (
      argmax.probabilities(for: logits, scales: others), wider.probabilities(for: logits)
    )
    for i in logits.indices {
      #expect(
        (near[i] - ordinary[i]).magnitude <= 4e-12 * ordinary[i], "\(law), class \(i): \(near), \(ordinary)")
    }
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.inclusionProbabilities(for: [Double](), largest: 1).isEmpty)
    #expect(argmax.inclusionProbabilities(for: [3.0], largest: 1) == [1])
    #expect(
      argmax.inclusionProbabilities(for: [-.infinity, 1, -.infinity] as [Double], largest: 2) == [0, 1, 0])
    #expect(argmax.inclusionProbabilities(for: [1, .nan, 2] as [Double], largest: 2).allSatisfy { $0.isNaN })
    let certain = argmax.inclusionProbabilities(for: [1, .infinity, 2] as [Double], largest: 2)
    let rest = argmax.probabilities(for: [1.0, 2])
    #expect(certain[1] == 1)
    #expect((certain[0] - rest[0]).magnitude <= 1e-14 && (certain[2] - rest[1]).magnitude <= 1e-14)
    let batch = argmax.inclusionProbabilities(for: Rows([1, 2, 3, 0.5, 0, -1], length: 3), largest: 2)
    #expect(batch[0] == argmax.inclusionProbabilities(for: [1, 2, 3], largest: 2))
    #expect(batch[1] == argmax.inclusionProbabilities(for: [0.5, 0, -1], largest: 2))
  }

  @Test func wrongNumbersOfClassesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.normal).inclusionProbabilities(for: [1.0, 2], largest: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.normal).inclusionProbabilities(for: [1.0, 2], largest: 3)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.normal, points: 8).inclusionProbabilities(for: [1.0, 2], largest: 2)
    }
  }
}
