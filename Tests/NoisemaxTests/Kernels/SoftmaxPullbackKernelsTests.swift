import Foundation
import NoiseKernels
import Testing

import Noisemax

/// Cotangents pulled back through a known softmax, as every instruction set of this machine does it.
@Suite struct SoftmaxPullbackKernelsTests {
  struct Row {
    let p, v: [Double]

    /// Σ_j p_i p_j (v_i − v_j)/scale, and the sum of the magnitudes of its terms.
    func entry(_ i: Int, scale: Double) -> (value: Double, magnitude: Double) {
      p.indices.reduce((0, 0)) { sums, j in
        guard p[i] > 0, p[j] > 0 else { return sums }
        let term = p[i] * p[j] * (v[i] - v[j]) / scale
        return (sums.0 + term, sums.1 + term.magnitude)
      }
    }
  }

  /// Even rows, rows with one leader wherever it may stand, almost certain ones, masks with a NaN as cotangent, and cotangents
  /// far from 0.
  static func rows(of count: Int) -> [Row] {
    var generator = StreamGenerator(seed: UInt64(count))
    return [0, 3, 30, 60].flatMap { lead in
      [0, count / 3, count - 1].map { leader in
        let weights = (0..<count).map { index in
          if count > 2, index % 5 == 4, index != leader { return 0.0 }
          return exp(.random(in: -1...0, using: &generator) - (index == leader ? 0 : lead))
        }
        let total = weights.reduce(0, +)
        let v = weights.map { $0 == 0 ? .nan : Double.random(in: -1...1, using: &generator) + lead * 1000 }
        return Row(p: weights.map { $0 / total }, v: v)
      }
    }
  }

  static let counts = Array(1...40) + [63, 64, 65, 100, 600, 1100]

  @Test(arguments: InstructionSet.available, [1, 0.25])
  func entriesAreTheDifferencesFromAllOthers(set: InstructionSet, scale: Double) {
    for count in Self.counts {
      let rows = Self.rows(of: count)
      // In place.
      var results = rows.flatMap(\.v)
      set.kernels.pullBackSoftmax(
        results, through: rows.flatMap(\.p), count: rows.count, rowLength: count, scale: scale, to: &results)
      var singles = rows.flatMap { $0.v.map { Float($0) } }
      let p = rows.flatMap { $0.p.map { Float($0) } }
      set.kernels.pullBackSoftmax(
        singles, through: p, count: rows.count, rowLength: count, scale: scale, to: &singles)
      for (number, row) in rows.enumerated() {
        let single = Row(p: row.p.map { Double(Float($0)) }, v: row.v.map { Double(Float($0)) })
        for index in row.p.indices {
          let slot = number * count + index
          let (value, magnitude) = row.entry(index, scale: scale)
          #expect(
            (results[slot] - value).magnitude <= 2e-14 * magnitude,
            "\(set), \(row), class \(index): \(results[slot]), \(value)")
          let (short, sum) = single.entry(index, scale: scale)
          #expect(
            (Double(singles[slot]) - short).magnitude <= 3e-6 * sum + 1e-44,
            "\(set), \(single), class \(index): \(singles[slot]), \(short)")
        }
      }
    }
  }

  /// A scale that no Float has goes by Doubles.
  @Test(arguments: InstructionSet.available)
  func scalesBeyondFloatsAreDividedBy(set: InstructionSet) {
    let p = [Float](repeating: 1 / 32, count: 32)
    let v = (0..<32).map { Float($0) * 0x1p-100 }
    var result = v
    set.kernels.pullBackSoftmax(v, through: p, count: 1, rowLength: 32, scale: 0x1p-140, to: &result)
    for index in p.indices {
      let expected = (Float(index) - 15.5) * 0x1p35
      #expect((result[index] - expected).magnitude <= 1e-6 * expected.magnitude, "\(set): \(result)")
    }
  }

  /// NaN where the row has no softmax; nothing where no class is open.
  @Test(arguments: InstructionSet.available, [3, 20])
  func rowsOutOfTheOrdinary(set: InstructionSet, count: Int) {
    for (p, isExpected) in [(Double.nan, \Double.isNaN), (0, \.isZero)] {
      var v = [Double](repeating: 1, count: count)
      set.kernels.pullBackSoftmax(
        v, through: [Double](repeating: p, count: count), count: 1, rowLength: count, scale: 1, to: &v)
      #expect(v.allSatisfy { $0[keyPath: isExpected] }, "\(set), \(p): \(v)")
      var singles = [Float](repeating: 1, count: count)
      set.kernels.pullBackSoftmax(
        singles, through: [Float](repeating: Float(p), count: count), count: 1, rowLength: count, scale: 1,
        to: &singles)
      #expect(singles.allSatisfy { Double($0)[keyPath: isExpected] }, "\(set), \(p): \(singles)")
    }
  }
}
