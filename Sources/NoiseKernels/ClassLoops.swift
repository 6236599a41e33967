#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over classes: each meets the grid points around its cell by their shares, polynomials of its
// offset t ∈ −1…1 in the cell. There are 16 of them, or 8 where few digits are wanted: one or two vectors.

extension VectorKernels {
  @inline(never)
  package static func place(
    _ gaps: UnsafePointer<Double>, from limit: Double, grid: CellGrid, as classes: PlacedClasses
  ) {
    forEachOffset(of: gaps, classes.count, from: limit, grid: grid, cells: classes.cells) {
      store($1, to: classes.offsets + $0)
    }
  }
}

/// The shares of grid points at offsets in a cell.
private struct Shares {
  private let even0, even1, even2, even3, odd0, odd1, odd2, odd3: Doubles

  /// The coefficients of the first eight points. The last eight have the same in mirror image.
  @inline(__always)
  init(_ rows: ShareRows) {
    @inline(__always) func row(_ k: Int) -> Doubles { load(rows.start + rows.stride * k) }
    (even0, odd0, even1, odd1) = (row(0), row(1), row(2), row(3))
    (even2, odd2, even3, odd3) = (row(4), row(5), row(6), row(7))
  }

  @inline(__always)
  func of16(at offset: Double) -> (Doubles, Doubles) {
    let t = Doubles(repeating: offset)
    let s = t * t
    let even = multiplyAdd(multiplyAdd(multiplyAdd(even3, s, even2), s, even1), s, even0)
    let odd = t * multiplyAdd(multiplyAdd(multiplyAdd(odd3, s, odd2), s, odd1), s, odd0)
    return (even + odd, reversed(even - odd))
  }

  /// Of five terms, for eight points.
  @inline(__always)
  func of8(at offset: Double) -> Doubles {
    let t = Doubles(repeating: offset)
    let s = t * t
    return multiplyAdd(
      t, multiplyAdd(odd1, s, odd0), multiplyAdd(multiplyAdd(even2, s, even1), s, even0))
  }
}

extension Shares {
  /// Those of a class, if they were kept.
  @inline(__always)
  func of16(_ index: Int, at offset: Double, kept: UnsafePointer<Double>?) -> (Doubles, Doubles) {
    guard let kept else { return of16(at: offset) }
    return (load(kept + 16 * index), load(kept + (16 * index + 8)))
  }

  @inline(__always)
  func of8(_ index: Int, at offset: Double, kept: UnsafePointer<Double>?) -> Doubles {
    guard let kept else { return of8(at: offset) }
    return load(kept + 8 * index)
  }
}

// MARK: deposit

/// Shares are summed as whole numbers, exactly in any order. A share is within −1…1: 15/16 of it, added to 3, has its last bit
/// at 2⁻⁵¹.
private let raised = 3.0
private let reduction = 0.9375
/// The sums of so many shares stay below 2⁶³.
private let chunk = 2048

/// Writes the sums of shares so far: four copies of those of a chunk, behind which stand those of the chunks before.
@inline(__always)
private func settle(
  _ sums: UnsafeMutablePointer<Int64>, _ length: Int, isFirst: Bool, isOnly: Bool, points: Int,
  to weights: UnsafeMutablePointer<Double>
) {
  forEachVector(of: points) { slot in
    @inline(__always) func copy(_ k: Int) -> Words {
      UnsafeMutableRawPointer(sums + (k * length + slot)).loadUnaligned(as: Words.self)
    }
    let sum = (copy(0) &+ copy(1)) &+ (copy(2) &+ copy(3))
    if isOnly {
      store(number(sum) * (1 / reduction), to: weights + slot)
    } else {
      // The parts above and below 2⁻²⁷ each have room for the sums of many chunks.
      var (above, below) = (sum &>> 24, sum & Words(repeating: 0xFF_FFFF))
      if !isFirst { (above, below) = (above &+ copy(4), below &+ copy(5)) }
      UnsafeMutableRawPointer(sums + (4 * length + slot)).storeBytes(of: above, as: Words.self)
      UnsafeMutableRawPointer(sums + (5 * length + slot)).storeBytes(of: below, as: Words.self)
      let whole = multiplyAdd(0x1p24, number(above), number(below))
      store(whole * (1 / reduction), to: weights + slot)
    }
  }
}

extension VectorKernels {
  @inline(never)
  package static func deposit(
    _ classes: PlacedClasses, points: Int, weights: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let (cells, offsets, count, slots) = (classes.cells, classes.offsets, classes.count, classes.slots)
    let (shares, kept) = (Shares(classes.shares), classes.kept)
    // Four copies, so that classes of near cells do not wait for each other.
    let length = points + 16
    let sums = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int64.self)
    let base = Words(repeating: Int64(bitPattern: raised.bitPattern))
    @inline(__always) func add(_ share: Doubles, to slot: UnsafeMutablePointer<Int64>) {
      let slot = UnsafeMutableRawPointer(slot)
      slot.storeBytes(
        of: slot.loadUnaligned(as: Words.self)
          &+ (words(multiplyAdd(reduction, share, Doubles(repeating: raised))) &- base),
        as: Words.self)
    }
    var start = 0
    repeat {
      let end = count - start > chunk ? start + chunk : count
      forEachVector(of: 4 * length) { slot in
        UnsafeMutableRawPointer(sums + slot).storeBytes(of: Words(), as: Words.self)
      }
      var index = start
      if classes.shares.points == 16 {
        while index < end {
          let slot = sums + (index & 3) * length + slots[cells[index]]
          let (lower, upper) = shares.of16(at: offsets[index])
          add(lower, to: slot)
          add(upper, to: slot + 8)
          if let kept {
            store(lower, to: kept + 16 * index)
            store(upper, to: kept + (16 * index + 8))
          }
          index += 1
        }
      } else {
        while index < end {
          let shares = shares.of8(at: offsets[index])
          add(shares, to: sums + (index & 3) * length + slots[cells[index]])
          if let kept { store(shares, to: kept + 8 * index) }
          index += 1
        }
      }
      settle(sums, length, isFirst: start == 0, isOnly: count <= chunk, points: points, to: weights)
      start = end
    } while start < count
  }

  @inline(never)
  package static func depositWeighted(
    _ numbers: UnsafePointer<Double>, of classes: PlacedClasses, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    let (cells, offsets, slots) = (classes.cells, classes.offsets, classes.slots)
    let (shares, kept) = (Shares(classes.shares), classes.kept)
    let length = points + 16
    forEachVector(of: length) { slot in
      store(Doubles(), to: weights + slot)
      store(Doubles(), to: scratch + slot)
    }
    for index in 0..<classes.count {
      let slot = (index & 1 == 0 ? weights : scratch) + slots[cells[index]]
      if classes.shares.points == 16 {
        let (lower, upper) = shares.of16(index, at: offsets[index], kept: kept)
        store(multiplyAdd(numbers[index], lower, load(slot)), to: slot)
        store(multiplyAdd(numbers[index], upper, load(slot + 8)), to: slot + 8)
      } else {
        let own = shares.of8(index, at: offsets[index], kept: kept)
        store(multiplyAdd(numbers[index], own, load(slot)), to: slot)
      }
    }
    forEachVector(of: points) { slot in
      store(load(weights + slot) + load(scratch + slot), to: weights + slot)
    }
  }
}

/// A whole number times 2⁻⁵¹, rounded once.
@inline(__always)
private func number(_ whole: Words) -> Doubles {
  let raised = unsafeBitCast(whole &+ Words(repeating: .min), to: SIMD8<UInt64>.self)
  let magic = SIMD8<UInt64>(repeating: 0x1p52.bitPattern)
  let high = unsafeBitCast((raised &>> 32) | magic, to: Doubles.self) - (0x1p52 + 0x1p31)
  let low = unsafeBitCast((raised & 0xFFFF_FFFF) | magic, to: Doubles.self) - 0x1p52
  return multiplyAdd(0x1p-19, high, low * 0x1p-51)
}

// MARK: evaluation

extension VectorKernels {
  /// Calls the body for eight classes at a time. It gets `numbers` at the lower end of their cells, and by how much `values`,
  /// interpolated at their offsets, exceed those at the lower end: sums of shares of the large values themselves would cancel.
  @inline(__always)
  private static func forEachEight(
    of classes: PlacedClasses, values: UnsafePointer<Double>, numbers: UnsafePointer<Double>,
    _ body: (_ index: Int, _ middle: Doubles, _ rise: Doubles) -> Void
  ) {
    let (cells, offsets, slots) = (classes.cells, classes.offsets, classes.slots)
    let middle = classes.shares.points / 2 - 1
    @inline(__always) func forEachEight(_ rise: (_ index: Int, _ values: UnsafePointer<Double>) -> Doubles) {
      @inline(__always) func riseOf(_ index: Int) -> Doubles { rise(index, values + slots[cells[index]]) }
      @inline(__always) func number(_ index: Int) -> Double { numbers[slots[cells[index]] + middle] }
      forEachVector(of: classes.count) { index in
        body(
          index,
          Doubles(
            number(index), number(index + 1), number(index + 2), number(index + 3), number(index + 4),
            number(index + 5), number(index + 6), number(index + 7)),
          sumsOfLanes(
            riseOf(index), riseOf(index + 1), riseOf(index + 2), riseOf(index + 3), riseOf(index + 4),
            riseOf(index + 5), riseOf(index + 6), riseOf(index + 7)))
      }
    }
    @inline(__always) func rise(_ lower: Doubles, of values: UnsafePointer<Double>) -> Doubles {
      lower * (load(values) - values[middle])
    }
    @inline(__always) func rise(
      _ lower: Doubles, _ upper: Doubles, of values: UnsafePointer<Double>
    ) -> Doubles {
      let reference = values[middle]
      return multiplyAdd(upper, load(values + 8) - reference, lower * (load(values) - reference))
    }
    let shares = Shares(classes.shares)
    switch (classes.shares.points, classes.kept) {
    case (16, nil):
      forEachEight { index, values in
        let (lower, upper) = shares.of16(at: offsets[index])
        return rise(lower, upper, of: values)
      }
    case (16, let kept?):
      forEachEight { index, values in
        rise(load(kept + 16 * index), load(kept + (16 * index + 8)), of: values)
      }
    case (_, nil): forEachEight { index, values in rise(shares.of8(at: offsets[index]), of: values) }
    case (_, let kept?): forEachEight { index, values in rise(load(kept + 8 * index), of: values) }
    }
  }

  @inline(never)
  package static func evaluate(
    _ gaps: UnsafeMutablePointer<Double>, of classes: PlacedClasses, from limit: Double,
    logarithms: UnsafePointer<Double>, numbers: UnsafePointer<Double>
  ) -> Double {
    var total = (high: -1.0, low: 0.0)
    var part = Doubles()
    forEachEight(of: classes, values: logarithms, numbers: numbers) { index, middle, rise in
      let p = (middle * moderateExponential(rise)).replacing(with: 0, where: load(gaps + index) .< limit)
      store(p, to: gaps + index)
      part += p
      if index & 511 == 0 {
        add(laneSum(part), to: &total)
        part = Doubles()
      }
    }
    add(laneSum(part), to: &total)
    return total.high + total.low
  }

  @inline(never)
  package static func evaluateLogarithms(
    _ gaps: UnsafeMutablePointer<Double>, of classes: PlacedClasses, from limit: Double,
    logarithms: UnsafePointer<Double>
  ) {
    forEachEight(of: classes, values: logarithms, numbers: logarithms) { index, middle, rise in
      store((middle + rise).replacing(with: -.infinity, where: load(gaps + index) .< limit), to: gaps + index)
    }
  }

  @inline(never)
  package static func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, of classes: PlacedClasses,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>, unit: Double, ofA: Double, ofB: Double
  ) {
    let (offsets, shares, kept) = (classes.offsets, Shares(classes.shares), classes.kept)
    @inline(__always) func values(_ index: Int) -> (Doubles, Doubles) {
      let slot = classes.slots[classes.cells[index]]
      if classes.shares.points == 16 {
        let (lower, upper) = shares.of16(index, at: offsets[index], kept: kept)
        return (
          multiplyAdd(upper, load(a + slot + 8), lower * load(a + slot)),
          multiplyAdd(upper, load(b + slot + 8), lower * load(b + slot))
        )
      }
      let lower = shares.of8(index, at: offsets[index], kept: kept)
      return (lower * load(a + slot), lower * load(b + slot))
    }
    forEachVector(of: classes.count) { index in
      let (a0, b0) = values(index)
      let (a1, b1) = values(index + 1)
      let (a2, b2) = values(index + 2)
      let (a3, b3) = values(index + 3)
      let (a4, b4) = values(index + 4)
      let (a5, b5) = values(index + 5)
      let (a6, b6) = values(index + 6)
      let (a7, b7) = values(index + 7)
      let (a, b) = (sumsOfLanes(a0, a1, a2, a3, a4, a5, a6, a7), sumsOfLanes(b0, b1, b2, b3, b4, b5, b6, b7))
      let result = unit * ((load(u + index) * ofA) * a - (load(p + index) * ofB) * b)
      // A class with p = 0 moves nothing, whatever a and b are.
      store(result.replacing(with: 0, where: load(p + index) .<= 0), to: u + index)
    }
  }
}

// MARK: classes node by node

extension VectorKernels {
  @inline(never)
  package static func integratePairs(
    of classes: UnsafeMutablePointer<SteepClass>, _ count: Int, from node: Int,
    coefficients: UnsafePointer<Double>, planeLength: Int, weights g: UnsafePointer<Double>,
    sums r: UnsafeMutablePointer<Double>, otherSums v: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let (nearG, farG) = (load(g), load(g + 8))
    var (nearR, farR, nearV, farV) = (load(r), load(r + 8), load(v), load(v + 8))
    // No class meets itself: first all meet those before them, then those after them.
    @inline(__always) func meet(_ index: Int, _ near: Doubles, _ far: Doubles) {
      let ratio = classes[index].ratio
      let (nearGain, farGain) = (ratio * nearR - nearV, ratio * farR - farV)
      classes[index].entry += laneSum(multiplyAdd(nearG * near, nearGain, farG * far * farGain))
      (nearR, farR) = (nearR + near, farR + far)
      (nearV, farV) = (multiplyAdd(ratio, near, nearV), multiplyAdd(ratio, far, farV))
    }
    var index = 0
    while index < count {
      let numbers = scratch + 16 * index
      if classes[index].first < node + 16 && classes[index].end > node {
        let start = coefficients + (classes[index].slot + node)
        store(value(of: classes[index], from: node, start, planeLength), to: numbers)
        store(value(of: classes[index], from: node + 8, start + 8, planeLength), to: numbers + 8)
        meet(index, load(numbers), load(numbers + 8))
      }
      index += 1
    }
    store(nearR, to: r)
    store(farR, to: r + 8)
    store(nearV, to: v)
    store(farV, to: v + 8)
    (nearR, farR, nearV, farV) = (Doubles(), Doubles(), Doubles(), Doubles())
    while index > 0 {
      index -= 1
      if classes[index].first < node + 16 && classes[index].end > node {
        meet(index, load(scratch + 16 * index), load(scratch + (16 * index + 8)))
      }
    }
  }

  @inline(never)
  package static func sum(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, node x: Double,
    intervals: SampledIntervals
  ) -> Double {
    var (sum, index) = (Doubles(), 0)
    while index < count {
      let position = (x - gaps[index]) * intervals.perUnit - intervals.first
      let interval = Int(position)
      let t = 2 * (position - Double(interval)) - 1
      let (square, cube) = (t * t, t * t * t)
      let fourth = square * square
      let powers = Doubles(1, t, square, cube, fourth, fourth * t, fourth * square, fourth * cube)
      sum = multiplyAdd(weights[index] * powers, load(intervals.coefficients + 8 * interval), sum)
      index += 1
    }
    return laneSum(sum)
  }
}

/// r of a class at eight nodes, 0 at those that do not matter to it.
@inline(__always)
private func value(
  of steep: SteepClass, from node: Int, _ coefficients: UnsafePointer<Double>, _ planeLength: Int
) -> Doubles {
  @inline(__always) func plane(_ power: Int) -> Doubles { load(coefficients + power * planeLength) }
  let square = Doubles(repeating: steep.t * steep.t)
  var (even, odd) = (plane(6), plane(7))
  even = multiplyAdd(even, square, plane(4))
  odd = multiplyAdd(odd, square, plane(5))
  even = multiplyAdd(even, square, plane(2))
  odd = multiplyAdd(odd, square, plane(3))
  even = multiplyAdd(even, square, plane(0))
  odd = multiplyAdd(odd, square, plane(1))
  var value = multiplyAdd(steep.t, odd, even)
  let isWhole = steep.first <= node && steep.end >= node + 8
  if isWhole && steep.firstLogarithm >= node + 8 { return value }
  let nodes = Doubles(0, 1, 2, 3, 4, 5, 6, 7) + Double(node)
  if steep.firstLogarithm < node + 8 {
    value = value.replacing(with: exponential(value), where: nodes .>= Double(steep.firstLogarithm))
  }
  if isWhole { return value }
  return value.replacing(with: 0, where: (nodes .< Double(steep.first)) .| (nodes .>= Double(steep.end)))
}
