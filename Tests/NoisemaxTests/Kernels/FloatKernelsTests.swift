import Foundation
import NoiseKernels
import Noisemax
import Testing

/// The lattice's loops for rows of Floats, beside what they stand for in Doubles, under every instruction set.
@Suite struct FloatKernelsTests {
  private static let basis = CellBasis(taps: 8, terms: 5)
  private static let shares = (0..<5).flatMap { k in
    (0..<16).map { Float(basis.shares.start[basis.shares.stride * k + ($0 & 7)]) }
  }

  /// A row in the cells of a grid: what the loops after the deposit need of it.
  private struct Row {
    let grid: CellGrid
    let gaps: [Double]
    var cells: [Int]
    var slots: [Int]
    var points: [Int]
    var weights: [Double]
    var kept: [Float]

    init(_ gaps: [Double], on grid: CellGrid, by kernels: any Kernels.Type) {
      (self.grid, self.gaps) = (grid, gaps)
      cells = [Int](repeating: 0, count: gaps.count)
      var offsets = gaps
      kernels.place(gaps, gaps.count, from: -30, grid: grid, cells: &cells, offsets: &offsets)
      slots = [Int](repeating: 0, count: grid.count + 1)
      points = [Int](repeating: -1, count: grid.count + 32)
      let count = kernels.list(&slots, cells: grid.count, taps: 8, points: &points)
      points.removeLast(points.count - count)
      weights = [Double](repeating: .nan, count: count + 16)
      kept = [Float](repeating: .nan, count: 8 * gaps.count)
      var scratch = [Double](repeating: .nan, count: 2 * (count + 16))
      kernels.depositFloats(
        cells, offsets, gaps.count, slots: slots, shares: FloatKernelsTests.shares, kept: &kept,
        points: count, weights: &weights, scratch: &scratch)
      weights.removeLast(16)
    }

    /// The place of a grid point on the axis.
    func place(_ point: Int) -> Double { Double(point + grid.firstCell - 3) / grid.perUnit }
  }

  @Test(arguments: InstructionSet.available, [8, 504, 520, 4096])
  func depositsAreExactInAnyOrder(set: InstructionSet, count: Int) {
    var generator = StreamGenerator(seed: 31)
    let gaps = (0..<count).map { _ in Double.random(in: -9...0, using: &generator) }
    let grid = CellGrid(lowest: -9, perUnit: 4)
    let row = Row(gaps, on: grid, by: set.kernels)
    let other = Row(gaps.shuffled(using: &generator), on: grid, by: set.kernels)
    #expect(row.weights == other.weights, "\(set), \(count) classes")
    let truth = KernelsTests.weights(of: gaps, on: grid, points: 8, by: set.kernels)
    #expect(truth.count == row.weights.count)
    for (weight, truth) in zip(row.weights, truth) {
      #expect(
        (weight - truth).magnitude <= 2e-7 * Double(count).squareRoot() + 1e-7 * truth,
        "\(set), \(count) classes: \(weight), not \(truth)")
    }
  }

  /// Blocks of grid points that follow each other and blocks that do not, and nodes that end before the samples do.
  @Test(
    arguments: InstructionSet.available, [[0], [0, 8], [0, 8, 16], [0, 8, 16, 24, 32], [0, 16, 24, 48]])
  func integralsAreSumsOverTheNodes(set: InstructionSet, blocks: [Int]) {
    var generator = StreamGenerator(seed: 32)
    let points = blocks.flatMap { block in (block..<block + 8) }
    let (nodes, length) = (37, 200)
    let values = (0..<nodes + 8).map { _ in Double.random(in: 0...1, using: &generator) }
    let samples = (0..<length).map { _ in Float.random(in: 0...1, using: &generator) }
    // A node later is a sample earlier: one for each cell.
    let grid = NodeGrid(start: 20, step: 1, strideExponent: 0)
    let places = (0..<nodes).map { 100 - $0 }
    for end in [1000, 40] {
      var results = [Double](repeating: .nan, count: points.count + 16)
      set.kernels.floatIntegrals(
        of: values, nodes, on: grid, places: places, points: points, points.count, samples: samples,
        below: end, factor: 0.5, results: &results)
      for (index, point) in points.enumerated() {
        let terms = (0..<nodes).map { values[$0] * Double(samples[places[$0] + point]) / 2 }
        // Samples from the end on are 0 in a table: here it shows that some of them are taken.
        let whole = terms.reduce(0, +)
        let within = (0..<nodes).filter { 20 + $0 - point < end }.reduce(0) { $0 + terms[$1] }
        #expect(
          results[index] >= within * (1 - 1e-6) && results[index] <= whole * (1 + 1e-6),
          "\(set), \(blocks), point \(point) below \(end): \(results[index]), not \(within)…\(whole)")
      }
    }
  }

  /// A straight log p is one between grid points, too.
  @Test(arguments: InstructionSet.available, [8, 16, 24, 1000])
  func valuesBetweenGridPoints(set: InstructionSet, count: Int) {
    var generator = StreamGenerator(seed: 33)
    let gaps = (0..<count).map { $0 == 3 ? -20 : Double.random(in: -9...0, using: &generator) }
    let row = Row(gaps, on: CellGrid(lowest: -20, perUnit: 4), by: set.kernels)
    for slope in [0, 1, 4.5] {
      let logarithms = row.points.map { slope * row.place($0) } + [Double](repeating: 0, count: 16)
      var p = gaps
      var scratch = [Double](repeating: .nan, count: 5 * (row.grid.count + 1))
      let defect = set.kernels.evaluateFloatShares(
        &p, row.cells, count, from: -9, slots: row.slots, cellCount: row.grid.count, kept: row.kept,
        logarithms: logarithms, numbers: logarithms.map { exp($0) }, scratch: &scratch)
      for (value, gap) in zip(p, gaps) {
        let truth = gap < -9 ? 0 : exp(slope * gap)
        #expect((value - truth).magnitude <= 3e-6 * truth, "\(set), \(count) classes, gap \(gap): \(value)")
      }
      #expect(isClose(defect, p.reduce(-1, +), within: 1e-12 * Double(count)), "\(set), \(count) classes")
    }
  }
}
