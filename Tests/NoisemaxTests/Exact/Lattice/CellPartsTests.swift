import Foundation
import NoiseKernels
import Testing

import Noisemax

/// Deposit and evaluation by parts of cells, beside the same by whole cells.
@Suite struct CellPartsTests {
  static let grid = CellGrid(lowest: -9, perUnit: 16)

  /// Gaps of a row, ties and the edges of cells among them, masked classes, and some out of reach.
  static func gaps(_ count: Int, edges: Bool = true) -> [Double] {
    var generator = StreamGenerator(seed: 23)
    var gaps: [Double] = (0..<padded(count)).map { index in
      switch index % 9 {
      case _ where index >= count: -.infinity
      case 0: -Double(index % 140) / 16 - (edges ? 0 : 0.002)
      case 1: edges ? -1.25 : -1.2
      case 2: -.infinity
      case 3: -20
      default: -9 * Double.random(in: 0...1, using: &generator)
      }
    }
    if edges { gaps[0] = 0 }
    return gaps
  }

  static func moments(_ set: InstructionSet, of gaps: [Double], parts: CellParts?) -> [Double] {
    let length = 8 * (grid.count + 1)
    var moments = [Double](repeating: .nan, count: length)
    var scratch = [Double](repeating: .nan, count: 3 * length + 8 * 16 * (grid.count + 2) + blockMemory)
    if let parts {
      set.kernels.depositParts(
        gaps, gaps.count, from: -9, grid: grid, parts: parts.count, shares: parts.momentShares,
        moments: &moments, scratch: &scratch)
    } else {
      moments = [Double](repeating: 0, count: length)
      for gap in gaps where gap >= -9 {
        let cell = grid.cell(of: gap)
        let t = 2 * (gap * 16 - Double(cell + grid.firstCell)) - 1
        for k in 0..<8 { moments[8 * cell + k] += pow(t, Double(k)) }
      }
    }
    return Array(moments[..<(8 * grid.count)])
  }

  @Test(arguments: InstructionSet.available, [1, 7, 1000, 70_000])
  func wholeCellsHaveTheLowMoments(set: InstructionSet, count: Int) {
    let gaps = Self.gaps(count)
    let truth = Self.moments(set, of: gaps, parts: nil)
    let moments = Self.moments(set, of: gaps, parts: CellParts(1, terms: 5))
    for (index, (moment, other)) in zip(moments, truth).enumerated() {
      let k = index % 8
      // The fourth moment has fewer digits than the others.
      let digit = k == 0 ? 0 : k < 4 ? 0x1p-40 : 0x1p-16
      let bound = k > 4 ? 0 : digit * truth[index - k]
      #expect(
        ((k > 4 ? 0 : other) - moment).magnitude <= bound,
        "\(set), \(count) classes, cell \(index / 8): moment \(k) is \(moment), not \(other)")
    }
  }

  /// What a function that the basis knows gets from the moments is what matters of them: Σ f over the classes of a cell,
  /// here with slopes as log F has them where n classes of a Normal row meet.
  @Test(arguments: InstructionSet.available, [1000, 70_000])
  func partsGiveTheSumsOfSmoothFunctions(set: InstructionSet, count: Int) {
    // Classes on an edge would be in either cell.
    let gaps = Self.gaps(count, edges: false)
    let moments = Self.moments(set, of: gaps, parts: CellParts(16, terms: 8))
    let classes = (0..<Self.grid.count).map { cell in
      gaps.filter { $0 >= -9 && (Self.grid.cell(of: $0) == cell) }
    }
    for slope in [-0.18, 0.05, 0.16] {
      // e^(slope·t) by its series: eight terms are right to 1e-11, what the parts add to that is looked for.
      var coefficients = [1.0]
      for k in 1..<8 { coefficients.append(coefficients[k - 1] * slope / Double(k)) }
      for cell in 0..<Self.grid.count {
        let sum = (0..<8).reduce(0) { $0 + coefficients[$1] * moments[8 * cell + $1] }
        let truth = classes[cell].reduce(0) { sum, gap in
          let t = 2 * (gap * 16 - Double(cell + Self.grid.firstCell)) - 1
          return sum + coefficients.reversed().reduce(0) { $0 * t + $1 }
        }
        #expect(
          (sum - truth).magnitude <= 2e-13 * truth,
          "\(set), \(count) classes, slope \(slope), cell \(cell): \(sum), not \(truth)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func sumsDoNotDependOnTheOrder(set: InstructionSet) {
    let gaps = Self.gaps(5000)
    let shuffled = Array(gaps.reversed())
    for parts in [CellParts(1, terms: 5), CellParts(16, terms: 8)] {
      #expect(
        Self.moments(set, of: gaps, parts: parts) == Self.moments(set, of: shuffled, parts: parts),
        "\(set), \(parts.count) parts")
    }
  }

  /// Replaces gaps by p, from its value in the middle of their cells and seven coefficients of log p.
  ///
  /// - Returns: Σp − 1.
  static func evaluate(_ gaps: inout [Double], rows: [Double]) -> Double {
    for index in gaps.indices {
      guard gaps[index] >= -9 else {
        gaps[index] = 0
        continue
      }
      let cell = grid.cell(of: gaps[index])
      let t = 2 * (gaps[index] * 16 - Double(cell + grid.firstCell)) - 1
      gaps[index] = rows[8 * cell] * exp((1..<8).reversed().reduce(0) { ($0 + rows[8 * cell + $1]) * t })
    }
    return gaps.reduce(-1, +)
  }

  /// Rows of cells with a smooth log p, evaluated by cells and by parts.
  @Test(arguments: InstructionSet.available)
  func partsAreEvaluatedAsCellsAre(set: InstructionSet) {
    let gaps = Self.gaps(3000, edges: false)
    let cells = Self.grid.count
    var rows = [Double](repeating: 0, count: 8 * (cells + 1))
    for cell in 0..<cells {
      let middle = (Double(cell + Self.grid.firstCell) + 0.5) / 16
      rows[8 * cell] = exp(-middle * middle)
      // −(middle + t/32)² relative to the middle, and higher terms as large as smooth functions have them.
      rows[8 * cell + 1] = -middle / 16
      rows[8 * cell + 2] = -0x1p-10
      var term = -0x1p-11
      for k in 3..<8 {
        term *= -0x1p-5 / Double(k)
        rows[8 * cell + k] = term
      }
    }
    let slots = (0..<cells).map { $0 }
    let parts = CellParts(16, terms: 8)
    var partRows = [Double](repeating: .nan, count: 64 * (cells + 1))
    var scratch = [Double](repeating: .nan, count: blockMemory)
    set.kernels.divide(
      rows, from: 0, cells: cells, slots: slots, parts: 16, shares: parts.coefficientShares, to: &partRows,
      scratch: &scratch)
    var (p, truth) = (gaps, gaps)
    let defect = set.kernels.evaluateParts(
      &p, p.count, from: -9, grid: Self.grid, parts: 16, rows: partRows, scratch: &scratch)
    let trueDefect = Self.evaluate(&truth, rows: rows)
    #expect((defect - trueDefect).magnitude <= 1e-13 * (1 + trueDefect), "\(set)")
    for (index, gap) in gaps.enumerated() {
      #expect(
        (p[index] - truth[index]).magnitude <= 1.5e-13 * truth[index],
        "\(set): a class at \(gap) has \(p[index]), not \(truth[index])")
    }
  }

  /// Rows of four coefficients, in Floats; whatever their number is modulo a block and a vector.
  @Test(arguments: InstructionSet.available, [1, 9, 128, 136, 3000])
  func floatsAreEvaluatedAsCellsAre(set: InstructionSet, count: Int) {
    let gaps = Self.gaps(count)
    let cells = Self.grid.count
    var rows = [Double](repeating: 0, count: 8 * (cells + 1))
    for cell in 0..<cells {
      let middle = (Double(cell + Self.grid.firstCell) + 0.5) / 16
      rows.replaceSubrange(
        (8 * cell)..<(8 * cell + 4), with: [exp(-middle * middle), -middle / 16, -0x1p-10, 0x1p-14])
    }
    var scratch = [Double](repeating: .nan, count: blockMemory + 2 * (cells + 1))
    var (p, truth) = (gaps, gaps)
    let defect = set.kernels.evaluateFloats(
      &p, p.count, from: -9, grid: Self.grid, rows: rows, scratch: &scratch)
    let trueDefect = Self.evaluate(&truth, rows: rows)
    #expect((defect - trueDefect).magnitude <= 1e-6 * (1 + trueDefect), "\(set)")
    for (index, gap) in gaps.enumerated() {
      #expect(
        (p[index] - truth[index]).magnitude <= 1e-6 * truth[index],
        "\(set): a class at \(gap) has \(p[index]), not \(truth[index])")
    }
  }
}
