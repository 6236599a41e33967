import Foundation
import NoiseKernels
import Noisemax
import Testing

/// The loops over pieces of the logit axis, in every instruction set, against plain sums.
@Suite struct PieceKernelsTests {
  /// T_k by its angle.
  private static func chebyshev(_ k: Int, _ t: Double) -> Double { cos(Double(k) * acos(t)) }

  private static let x = (0..<24).map { 3 + 0.5 * (1 + sin(Double($0))) / 2 }
  private static let weights = (0..<24).map { cos(3 * Double($0)) }

  @Test(arguments: InstructionSet.available)
  func momentsAreSumsOfPolynomials(set: InstructionSet) {
    var vectors = [Double](repeating: 0, count: 128)
    // Twice eight points, and eight more.
    set.kernels.addMoments(of: Self.weights, at: Self.x, 16, from: 3, to: 3.5, to: &vectors)
    Self.x.withUnsafeBufferPointer { x in
      Self.weights.withUnsafeBufferPointer { weights in
        guard let x = x.baseAddress, let weights = weights.baseAddress else { return }
        set.kernels.addMoments(of: weights + 16, at: x + 16, 8, from: 3, to: 3.5, to: &vectors)
      }
    }
    for k in 0..<16 {
      let moment = vectors[8 * k..<8 * k + 8].reduce(0, +)
      let truth = zip(Self.x, Self.weights).reduce(0) { $0 + $1.1 * Self.chebyshev(k, 4 * $1.0 - 13) }
      #expect((moment - truth).magnitude <= 1e-12, "\(set), \(k): \(moment), not \(truth)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func polynomialsHaveTheirValues(set: InstructionSet) {
    for terms in [12, 16] {
      let coefficients = (0..<terms).map { 1 / Double($0 + 1) }
      var values = [Double](repeating: 0, count: 24)
      set.kernels.polynomial(coefficients, terms, from: 3, to: 3.5, at: Self.x, 24, values: &values)
      for (x, value) in zip(Self.x, values) {
        let truth = (0..<terms).reduce(0) { $0 + coefficients[$1] * Self.chebyshev($1, 4 * x - 13) }
        #expect((value - truth).magnitude <= 1e-13, "\(set), \(terms) at \(x): \(value), not \(truth)")
      }
    }
  }

  /// Columns in either direction, and matrices of which some columns are nothing.
  @Test(arguments: InstructionSet.available)
  func sumsOfColumnsAreThoseOfPlainLoops(set: InstructionSet) {
    let numbers = (0..<1024).map { sin(Double($0 * $0)) }
    for stride in [-1, 16] {
      var sums = [Double](repeating: 1, count: 16)
      numbers.withUnsafeBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        set.kernels.addColumns(of: start + 20, 12, stride: stride, times: Self.weights, to: &sums)
      }
      for row in 0..<16 {
        let truth = (0..<12).reduce(1.0) { $0 + Self.weights[$1] * numbers[20 + stride * $1 + row] }
        #expect(
          (sums[row] - truth).magnitude <= 1e-13, "\(set), \(stride), \(row): \(sums[row]), not \(truth)")
      }
    }
    let (pieces, columns) = ([7, 9], [16, 2, 10, 0])
    var sums = [Double](repeating: 1, count: 16)
    set.kernels.addMatrices(numbers, columns: columns, from: 7, times: numbers, of: pieces, 2, to: &sums)
    for row in 0..<16 {
      let first = (0..<16).reduce(1.0) { $0 + numbers[$1] * numbers[16 * $1 + row] }
      let truth = (0..<10).reduce(first) { $0 + numbers[16 + $1] * numbers[512 + 16 * $1 + row] }
      #expect((sums[row] - truth).magnitude <= 1e-12, "\(set), \(row): \(sums[row]), not \(truth)")
    }
  }

  /// Quarters from −1 on, with a polynomial on each; an infinite coefficient is found.
  @Test(arguments: InstructionSet.available)
  func sampledFunctionsHaveTheirValues(set: InstructionSet) {
    var coefficients = (0..<64).map { cos(Double($0)) }
    let x = (0..<16).map { 4.01 + 0.12 * Double($0) }
    var values = [Double](repeating: 0, count: 16)
    func write() -> Bool {
      coefficients.withUnsafeBufferPointer { coefficients in
        guard let start = coefficients.baseAddress else { return false }
        let intervals = SampledIntervals(first: -4, perUnit: 4, coefficients: start)
        return set.kernels.values(at: x, 16, gap: 5, intervals: intervals, values: &values)
      }
    }
    #expect(write())
    for (x, value) in zip(x, values) {
      let position = 4 * (x - 5) + 4
      let t = 2 * (position - position.rounded(.down)) - 1
      let truth = (0..<8).reduce(0) { $0 + coefficients[8 * Int(position) + $1] * pow(t, Double($1)) }
      #expect((value - truth).magnitude <= 1e-13, "\(set) at \(x): \(value), not \(truth)")
    }
    coefficients[27] = -.infinity
    #expect(!write())
  }
}
