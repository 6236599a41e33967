import Foundation
import NoiseKernels
import Testing

import Noisemax

/// The vector loops, as every instruction set of this machine runs them.
@Suite struct KernelsTests {
  static func results(
    _ set: InstructionSet, of numbers: [Double], shift: Double = 0
  ) -> [Double] {
    let memory = numbers + [Double](repeating: 0, count: padded(numbers.count) - numbers.count)
    var results = memory
    set.kernels.exponentials(of: memory, numbers.count, shift: shift, to: &results)
    return Array(results.prefix(numbers.count))
  }

  /// The C library's own error is little more than half a unit: a neighbour of its value is within one and a half.
  @Test(arguments: InstructionSet.available)
  func exponentialsAreWithinOneAndAHalfUnits(set: InstructionSet) {
    var generator = StreamGenerator(seed: 3)
    var numbers = (0..<40_000).map { _ in Double.random(in: -745...709, using: &generator) }
    numbers += (0..<10_000).map { _ in Double.random(in: -1...1, using: &generator) }
    for (number, result) in zip(numbers, Self.results(set, of: numbers)) {
      let truth = exp(number)
      #expect(
        (result - truth).magnitude <= truth.ulp, "\(set): e^\(number) is \(truth), not \(result)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func exponentialsAtTheEdges(set: InstructionSet) {
    let numbers = [-.infinity, .nan, 0, -0.0, -746, -1e300, .infinity, 1e300, 709.9, -744]
    let results = Self.results(set, of: numbers)
    #expect(results[0] == 0 && results[1].isNaN && results[2] == 1 && results[3] == 1)
    #expect(results[4] == 0 && results[5] == 0 && results[6] == .infinity && results[7] == .infinity)
    #expect(results[8] == .infinity && results[9] == exp(-744))
    // 2 to the power of 800 keeps digits where the exponential alone would lose them.
    let inflated = Self.results(set, of: [-1000, -720, -5], shift: 800)
    for (number, result) in zip([-1000.0, -720, -5], inflated) {
      let truth = exp(number / 2) * 0x1p400 * (exp(number / 2) * 0x1p400)
      #expect((result - truth).magnitude <= 1e-15 * truth)
    }
  }

  @Test(arguments: InstructionSet.available)
  func logarithmsAreWithinOneAndAHalfUnits(set: InstructionSet) {
    var generator = StreamGenerator(seed: 4)
    let count = 40_000
    let numbers = (0..<count).map { index in
      index < count / 2
        ? Double.random(in: 0.5...2, using: &generator)
        : exp(Double.random(in: -700...700, using: &generator))
    }
    var logarithms = numbers
    for shift in [0.0, 800] {
      set.kernels.logarithms(of: numbers, count, shift: shift, to: &logarithms)
      for index in numbers.indices {
        let truth = log(numbers[index]) - shift * log(2)
        let value = logarithms[index]
        #expect(
          (value - truth).magnitude <= 1.5 * truth.ulp + (shift == 0 ? 0 : 2e-13),
          "\(set): log \(numbers[index]) over 2^\(shift) is \(truth), not \(value)")
      }
    }
  }

  /// What one set computes another one does, to the last digits: rows of all lengths, so that every tail is met.
  @Test(arguments: InstructionSet.available)
  func setsAgree(set: InstructionSet) {
    var generator = StreamGenerator(seed: 5)
    let baseline = InstructionSet.baseline.kernels
    for count in Array(1...40) + [1023, 3000] {
      let row = (0..<count).map { _ in
        Int.random(in: 0..<9, using: &generator) == 0
          ? -.infinity : Double.random(in: -30...0, using: &generator)
      }
      let tops = (set.kernels.top(of: row, count), baseline.top(of: row, count))
      #expect(tops.0.largest == tops.1.largest && tops.0.open == tops.1.open)
      for scale in [1, 0.7] {
        var (one, other) = (row, row)
        #expect(
          set.kernels.softmax(row, count: 1, rowLength: count, scale: scale, to: &one) == 1
            || tops.0.open == 0)
        _ = baseline.softmax(row, count: 1, rowLength: count, scale: scale, to: &other)
        for index in one.indices where tops.0.open > 0 {
          #expect(
            (one[index] - other[index]).magnitude <= 1e-14 * other[index], "\(set), \(count) logits: \(row)")
        }
      }
      let floats = row.map { Float($0) }
      for scale in [1, 0.7] where tops.0.open > 0 {
        var (singles, truth) = (floats, floats.map { Double($0) })
        _ = set.kernels.softmax(floats, count: 1, rowLength: count, scale: scale, to: &singles)
        _ = baseline.softmax(truth, count: 1, rowLength: count, scale: scale, to: &truth)
        for (single, truth) in zip(singles, truth) {
          #expect((Double(single) - truth).magnitude <= 1.3e-7 * truth, "\(set), \(count) logits: \(row)")
        }
      }
      let gaps = row.map { $0 - 0 } + [Double](repeating: -.infinity, count: padded(count) - count)
      let grid = CellGrid(lowest: -30, perUnit: 8)
      let (weights, truth) = (
        Self.weights(of: gaps, on: grid, points: 16, by: set.kernels),
        Self.weights(of: gaps, on: grid, points: 16, by: baseline)
      )
      for (weight, other) in zip(weights, truth) {
        #expect((weight - other).magnitude <= 1e-15 * Double(count), "\(set), \(count) classes: \(row)")
      }
    }
  }

  /// What classes have of the grid points around their cells.
  static func weights(of gaps: [Double], on grid: CellGrid, points: Int, by kernels: any Kernels.Type)
    -> [Double]
  {
    let basis = CellBasis(taps: points, terms: points / 2 + (points == 8 ? 1 : 0))
    var (cells, offsets) = ([Int](repeating: 0, count: gaps.count), gaps)
    var slots = [Int](repeating: 0, count: grid.count + 1)
    var list = [Int](repeating: 0, count: grid.count + 32)
    return cells.withUnsafeMutableBufferPointer { cells in
      offsets.withUnsafeMutableBufferPointer { offsets in
        slots.withUnsafeMutableBufferPointer { slots in
          let classes = PlacedClasses(
            count: gaps.count, cells: cells.baseAddress!, offsets: offsets.baseAddress!,
            slots: slots.baseAddress!, shares: basis.shares)
          kernels.place(gaps, from: -30, grid: grid, as: classes)
          let count = kernels.list(classes.slots, cells: grid.count, taps: points, points: &list)
          var weights = [Double](repeating: .nan, count: count + 16)
          var scratch = [Double](repeating: .nan, count: 6 * (count + 16))
          kernels.deposit(classes, points: count, weights: &weights, scratch: &scratch)
          return Array(weights[..<count])
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func theFirstZeroIsFoundWhereverItIs(set: InstructionSet) {
    for count in [1, 7, 8, 63, 64, 65, 200] {
      var gaps = [Double](repeating: -1, count: count)
      gaps += [Double](repeating: -.infinity, count: padded(count) - count)
      #expect(set.kernels.firstZero(of: gaps, count) == count)
      for index in (0..<count).reversed() {
        gaps[index] = 0
        #expect(set.kernels.firstZero(of: gaps, count) == index)
      }
    }
  }

  /// Exact sums do not depend on the order, nor on how many classes share a cell; and with them a smooth function's sum over
  /// the classes is one over the grid points.
  @Test(arguments: InstructionSet.available, [16, 8])
  func depositsAreExactInAnyOrder(set: InstructionSet, points: Int) {
    var generator = StreamGenerator(seed: 6)
    for count in [8, 4096, 20_000] {
      let gaps = (0..<count).map { _ in Double.random(in: -2...0, using: &generator) }
      let grid = CellGrid(lowest: -2, perUnit: 4)
      let weights = Self.weights(of: gaps, on: grid, points: points, by: set.kernels)
      #expect(
        weights
          == Self.weights(
            of: gaps.shuffled(using: &generator), on: grid, points: points, by: set.kernels),
        "\(set), \(count) classes")
      for slope in [0, 0.5, -0.7] {
        let truth = gaps.reduce(0) { $0 + exp(slope * $1) }
        let sum = weights.enumerated().reduce(0) { sum, weight in
          sum + weight.1 * exp(slope * Double(weight.0 + grid.firstCell - (points / 2 - 1)) / 4)
        }
        #expect(
          (sum / truth - 1).magnitude <= (points == 16 ? 1e-13 : 1e-8) * (slope == 0 ? 1e-1 : 1),
          "\(set), \(count) classes, \(points) points, slope \(slope): \(sum), not \(truth)")
      }
    }
  }

  /// Few cells with classes, far apart: their grid points stand side by side in blocks of eight.
  @Test(arguments: InstructionSet.available)
  func onlyGridPointsNearClassesAreListed(set: InstructionSet) {
    let cells = 1000
    for occupied in [[0], [999], [3, 4, 500], [0, 17, 18, 999], Array(0..<1000)] {
      var slots = [Int](repeating: -1, count: cells + 1)
      for cell in occupied { slots[cell] = 0 }
      var points = [Int](repeating: -1, count: cells + 32)
      let count = set.kernels.list(&slots, cells: cells, taps: 16, points: &points)
      #expect(count <= 24 * occupied.count && count.isMultiple(of: 8) && slots[cells] == count)
      #expect(zip(points[..<count], points[1..<count]).allSatisfy { $0 < $1 }, "\(set): \(points[..<count])")
      #expect(
        (0..<count).allSatisfy { points[$0] == points[$0 & ~7] + $0 & 7 && points[$0 & ~7] & 7 == 0 },
        "\(set): \(points[..<count])")
      for cell in 0..<cells {
        if occupied.contains(cell) {
          #expect(
            (0..<16).allSatisfy { points[slots[cell] + $0] == cell + $0 },
            "\(set): cell \(cell) of \(occupied)")
        } else {
          #expect(slots[cell] == -1, "\(set): cell \(cell) of \(occupied)")
        }
      }
    }
  }
}
