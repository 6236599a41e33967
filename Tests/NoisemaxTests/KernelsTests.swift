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
    var (exponents, logarithms) = (numbers, numbers)
    set.kernels.splitLogarithms(of: numbers, count, exponents: &exponents, logarithms: &logarithms)
    for index in numbers.indices {
      let truth = log(numbers[index])
      let value = logarithms[index].addingProduct(exponents[index], 0x1.62e42fefa39efp-1)
      #expect(
        (value - truth).magnitude <= truth.ulp + 0x1p-54 * exponents[index].magnitude,
        "\(set): log \(numbers[index]) is \(truth), not \(value)")
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
      // The moments of cells are exact sums: no bit may differ.
      let gaps = row.map { $0 - 0 } + [Double](repeating: -.infinity, count: padded(count) - count)
      let grid = CellGrid(lowest: -30, perUnit: 8)
      let length = 8 * (grid.count + 1)
      func moments(_ kernels: any Kernels.Type) -> [Double] {
        var moments = [Double](repeating: 0, count: length)
        var scratch = [Double](repeating: 0, count: 3 * length + blockMemory)
        kernels.deposit(gaps, gaps.count, from: -30, grid: grid, moments: &moments, scratch: &scratch)
        return Array(moments.prefix(8 * grid.count))
      }
      #expect(moments(set.kernels) == moments(baseline))
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

  /// Exact sums do not depend on the order, nor on how many classes share a cell.
  @Test(arguments: InstructionSet.available)
  func depositsAreExactInAnyOrder(set: InstructionSet) {
    var generator = StreamGenerator(seed: 6)
    let gaps = (0..<20_000).map { _ in Double.random(in: -2...0, using: &generator) }
    let grid = CellGrid(lowest: -2, perUnit: 4)
    let length = 8 * (grid.count + 1)
    func moments(_ gaps: [Double]) -> [Double] {
      var moments = [Double](repeating: 0, count: length)
      var scratch = [Double](repeating: 0, count: 3 * length + blockMemory)
      set.kernels.deposit(gaps, gaps.count, from: -2, grid: grid, moments: &moments, scratch: &scratch)
      return Array(moments.prefix(8 * grid.count))
    }
    let sums = moments(gaps)
    #expect(sums == moments(gaps.shuffled(using: &generator)))
    #expect((0..<grid.count).reduce(0) { $0 + sums[8 * $1] } == Double(gaps.count))
    // Against plain sums of powers.
    for k in 0..<8 {
      var plain = [Double](repeating: 0, count: grid.count)
      for gap in gaps {
        let cell = grid.cell(of: gap)
        plain[cell] += pow(2 * (gap * 4 - Double(cell + grid.firstCell)) - 1, Double(k))
      }
      for cell in plain.indices { #expect((plain[cell] - sums[8 * cell + k]).magnitude <= 1e-11) }
    }
  }
}
