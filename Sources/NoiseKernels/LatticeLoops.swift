#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the classes, the cells and the nodes of one row.
//
// Rows of gaps are padded to whole vectors with −∞. Every cell has eight coefficients, whatever the number of terms of
// its basis; the cell behind the last one takes what is not wanted.

private let rounder = 0x1.8p52

/// The cells of eight gaps and their places t ∈ −1…1 in them; what is below the limit falls into the cell behind the
/// last one.
@inline(__always)
private func places(
  of gaps: Doubles, from limit: Double, perUnit: Double, firstCell: Double, last: Double
) -> (cells: Words, t: Doubles) {
  let isOut = gaps .< limit
  let position = gaps.replacing(with: 0, where: isOut) * perUnit
  let cell = ((position - 0.5) + rounder) - rounder
  let t = 2 * (position - cell) - 1
  let cells = (cell - firstCell).replacing(with: last, where: isOut)
  return (words(cells + rounder) &- Words(repeating: Int64(bitPattern: rounder.bitPattern)), t)
}

extension VectorKernels {
  @inline(never)
  package static func survey(
    _ gaps: UnsafePointer<Double>, _ count: Int, competingFrom competing: Double, wantedFrom wanted: Double
  ) -> GapSurvey {
    var (lowest, rarest) = (Doubles(), Doubles())
    var second = Doubles(repeating: -.infinity)
    var (leaders, competitors, deeper) = (Doubles(), Doubles(), Doubles())
    var index = 0
    while index < count {
      let gap = load(gaps + index)
      let competes = gap .>= competing
      lowest = smaller(lowest, gap.replacing(with: 0, where: .!competes))
      let isWanted = gap .>= wanted
      rarest = smaller(rarest, gap.replacing(with: 0, where: .!isWanted))
      let leads = gap .== 0
      second = larger(second, gap.replacing(with: -.infinity, where: leads))
      leaders += Doubles().replacing(with: 1, where: leads)
      competitors += Doubles().replacing(with: 1, where: competes)
      deeper += Doubles().replacing(with: 1, where: gap .> -.infinity .& .!isWanted)
      index += 8
    }
    var result = GapSurvey()
    result.lowest = -largest(-lowest)
    result.rarest = -largest(-rarest)
    result.second = largest(second)
    result.leaders = Int(sum(leaders))
    result.competitors = Int(sum(competitors))
    result.hasDeeper = sum(deeper) > 0
    return result
  }
}

// MARK: deposit

/// Sums of fixed point numbers are exact in any order: 2⁻⁵¹ of a power is the last bit that is kept. Added to 3, a power
/// within −1…1 has that bit last, and the bits of such sums are added as integers, this many at the most.
private let chunk = 2048
private let fixed = 3.0

extension VectorKernels {
  @inline(never)
  package static func deposit(
    _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    moments: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    let length = 8 * (grid.count + 1)
    let sums = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int64.self)
    var start = 0
    repeat {
      let end = count - start > chunk ? start + chunk : count
      depositChunk(gaps + start, end - start, from: limit, grid: grid, sums: sums)
      let isFirst = start == 0
      let isLast = end == count
      var place = 0
      while place < length - 8 {
        let (high, low) = parts(
          UnsafeMutableRawPointer(sums + place).loadUnaligned(as: Words.self)
            &+ UnsafeMutableRawPointer(sums + length + place).loadUnaligned(as: Words.self))
        if isFirst && isLast {
          store(high + low, to: moments + place)
        } else {
          let (heads, rests) = (moments + place, scratch + (2 * length + place))
          let head = isFirst ? high : load(heads) + high
          let rest = isFirst ? low : load(rests) + low
          store(isLast ? head + rest : head, to: heads)
          store(rest, to: rests)
        }
        place += 8
      }
      start = end
    } while start < count
  }
}

extension VectorKernels {
  @inline(never)
  package static func depositWeighted(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, from limit: Double,
    grid: CellGrid, moments: UnsafeMutablePointer<Double>
  ) {
    var place = 0
    while place < 8 * (grid.count + 1) {
      store(Doubles(), to: moments + place)
      place += 8
    }
    @inline(__always) func add(_ row: Doubles, _ cell: Int64) {
      let place = moments + 8 * Int(cell)
      store(load(place) + row, to: place)
    }
    let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
    var index = 0
    while index < count {
      let (cells, t) = places(
        of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
      let v = load(weights + index)
      let (v2, t2) = (v * (t * t), t * t)
      let (v4, t3) = (v2 * t2, t2 * t)
      let rows = transposed(v, v * t, v2, v * t3, v4, v4 * t, v4 * t2, v4 * t3)
      add(rows.0, cells[0])
      add(rows.1, cells[1])
      add(rows.2, cells[2])
      add(rows.3, cells[3])
      add(rows.4, cells[4])
      add(rows.5, cells[5])
      add(rows.6, cells[6])
      add(rows.7, cells[7])
      index += 8
    }
  }
}

/// The sums of one chunk, in two copies, so that classes of one cell wait for each other half as long.
@inline(__always)
private func depositChunk(
  _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  sums: UnsafeMutablePointer<Int64>
) {
  let length = 8 * (grid.count + 1)
  var place = 0
  while place < 2 * length {
    UnsafeMutableRawPointer(sums + place).storeBytes(of: Words(), as: Words.self)
    place += 8
  }
  let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
  let one = doubles(Words(repeating: 1))
  let other = sums + length
  @inline(__always) func add(_ row: Doubles, _ cell: Int64, to sums: UnsafeMutablePointer<Int64>) {
    let place = UnsafeMutableRawPointer(sums + 8 * Int(cell))
    place.storeBytes(of: place.loadUnaligned(as: Words.self) &+ words(row), as: Words.self)
  }
  var index = 0
  while index < count {
    let (cells, t) = places(
      of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
    let t2 = t * t
    let t3 = t2 * t
    let t4 = t2 * t2
    let rows = transposed(
      one, t + fixed, t2 + fixed, t3 + fixed, t4 + fixed, t4 * t + fixed, t4 * t2 + fixed, t4 * t3 + fixed)
    add(rows.0, cells[0], to: sums)
    add(rows.1, cells[1], to: other)
    add(rows.2, cells[2], to: sums)
    add(rows.3, cells[3], to: other)
    add(rows.4, cells[4], to: sums)
    add(rows.5, cells[5], to: other)
    add(rows.6, cells[6], to: sums)
    add(rows.7, cells[7], to: other)
    index += 8
  }
}

/// The fixed point sums of a cell as two Doubles, the first a multiple of 2⁻¹⁹, the second below it: sums of many are
/// exact, too. The first lane has the number of classes.
@inline(__always)
private func parts(_ sums: Words) -> (Doubles, Doubles) {
  let classes = sums[0]
  var value = sums &- Words(repeating: classes) &* Words(repeating: Int64(bitPattern: fixed.bitPattern))
  value[0] = classes &<< 51
  let raised = unsafeBitCast(value &+ Words(repeating: .min), to: SIMD8<UInt64>.self)
  let magic = SIMD8<UInt64>(repeating: 0x1p52.bitPattern)
  let high = unsafeBitCast((raised &>> 32) | magic, to: Doubles.self) - (0x1p52 + 0x1p31)
  let low = unsafeBitCast((raised & 0xFFFF_FFFF) | magic, to: Doubles.self) - 0x1p52
  return (high * 0x1p-19, low * 0x1p-51)
}

extension VectorKernels {
  @inline(never)
  package static func spread(
    _ moments: UnsafePointer<Double>, occupied: UnsafePointer<Double>, cells: Int,
    matrix: UnsafePointer<Double>,
    taps: Int, weights: UnsafeMutablePointer<Double>, points: UnsafeMutablePointer<Int>,
    slots: UnsafeMutablePointer<Int>
  ) -> Int {
    // The weights of the next 16 points slide along with the cells.
    var (near, far) = (Doubles(), Doubles())
    var (count, remaining) = (0, 0)
    var cell = 0
    while cell < cells + taps - 1 {
      if cell < cells, occupied[8 * cell] > 0 {
        let row = moments + 8 * cell
        var k = 0
        if taps == 16 {
          while k < 8 {
            near = multiplyAdd(row[k], load(matrix + 16 * k), near)
            far = multiplyAdd(row[k], load(matrix + 16 * k + 8), far)
            k += 1
          }
        } else {
          while k < 8 {
            near = multiplyAdd(row[k], load(matrix + 8 * k), near)
            k += 1
          }
        }
        remaining = taps
        slots[cell] = count
      } else if cell < cells {
        slots[cell] = -1
      }
      if remaining > 0 {
        weights[count] = near[0]
        points[count] = cell
        count += 1
        remaining -= 1
      }
      near = Doubles(near[1], near[2], near[3], near[4], near[5], near[6], near[7], far[0])
      far = Doubles(far[1], far[2], far[3], far[4], far[5], far[6], far[7], 0)
      cell += 1
    }
    return count
  }
}

// MARK: nodes

extension VectorKernels {
  @inline(never)
  package static func weightedSums(
    _ weights: UnsafePointer<Double>, starts: UnsafePointer<Int>, reaches: UnsafePointer<Int>, count: Int,
    samples: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    var first = 0
    var node = 0
    while node < nodes {
      while first < count, reaches[first] <= node { first += 1 }
      var point = first
      let start = samples + node
      if node + 16 < nodes {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        while point < count {
          let (weight, row) = (weights[point], start + starts[point])
          a = multiplyAdd(weight, load(row), a)
          b = multiplyAdd(weight, load(row + 8), b)
          c = multiplyAdd(weight, load(row + 16), c)
          d = multiplyAdd(weight, load(row + 24), d)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        store(c, to: sums + node + 16)
        store(d, to: sums + node + 24)
        node += 32
      } else {
        var (a, b) = (Doubles(), Doubles())
        while point < count {
          let (weight, row) = (weights[point], start + starts[point])
          a = multiplyAdd(weight, load(row), a)
          b = multiplyAdd(weight, load(row + 8), b)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        node += 16
      }
    }
  }

  @inline(never)
  package static func integrals(
    of values: UnsafePointer<Double>, starts: UnsafePointer<Int>, reaches: UnsafePointer<Int>, count: Int,
    samples: UnsafePointer<Double>, factor: Double, results: UnsafeMutablePointer<Double>
  ) {
    @inline(__always) func rest(_ point: Int, _ sums: Doubles, from node: Int) -> Double {
      var (sums, node) = (sums, node)
      while node < reaches[point] {
        sums = multiplyAdd(load(values + node), load(samples + starts[point] + node), sums)
        node += 8
      }
      return factor * sum(sums)
    }
    var point = 0
    while point + 4 <= count {
      let (p, q) = (samples + starts[point], samples + starts[point + 1])
      let (r, s) = (samples + starts[point + 2], samples + starts[point + 3])
      let reach = reaches[point]
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      var node = 0
      while node < reach {
        let value = load(values + node)
        a = multiplyAdd(value, load(p + node), a)
        b = multiplyAdd(value, load(q + node), b)
        c = multiplyAdd(value, load(r + node), c)
        d = multiplyAdd(value, load(s + node), d)
        node += 8
      }
      results[point] = rest(point, a, from: node)
      results[point + 1] = rest(point + 1, b, from: node)
      results[point + 2] = rest(point + 2, c, from: node)
      results[point + 3] = rest(point + 3, d, from: node)
      point += 4
    }
    while point < count {
      results[point] = rest(point, Doubles(), from: 0)
      point += 1
    }
  }

  @inline(never)
  package static func exponentials(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double, to results: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      store(exponential(load(numbers + index), shift: Doubles(repeating: shift)), to: results + index)
      index += 8
    }
    while count < index {
      index -= 1
      results[index] = 0
    }
  }

  @inline(never)
  package static func multiply(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by factors: UnsafePointer<Double>
  ) {
    var index = 0
    while index < count {
      store(load(numbers + index) * load(factors + index), to: numbers + index)
      index += 8
    }
  }

  @inline(never)
  package static func peak(
    of values: UnsafePointer<Double>, times samples: UnsafePointer<Double>, _ count: Int
  ) -> Int {
    var top = Doubles(repeating: -1)
    var places = Doubles()
    var here = Doubles(0, 1, 2, 3, 4, 5, 6, 7)
    var index = 0
    while index < count {
      let product = load(values + index) * load(samples + index)
      let isHigher = product .> top
      top = top.replacing(with: product, where: isHigher)
      places = places.replacing(with: here, where: isHigher)
      here += 8
      index += 8
    }
    var best = 0
    var lane = 1
    while lane < 8 {
      if top[lane] > top[best] { best = lane }
      lane += 1
    }
    return Int(places[best])
  }
}

// MARK: evaluation

extension VectorKernels {
  @inline(never)
  package static func splitLogarithms(
    of numbers: UnsafePointer<Double>, _ count: Int, exponents: UnsafeMutablePointer<Double>,
    logarithms: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      let (exponent, logarithm) = splitLogarithm(load(numbers + index))
      store(exponent, to: exponents + index)
      store(logarithm, to: logarithms + index)
      index += 8
    }
  }
}

private let ln2 = 0x1.62e42fefa39efp-1

extension VectorKernels {
  @inline(never)
  package static func expand(
    from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>, exponents: UnsafePointer<Double>,
    logarithms: UnsafePointer<Double>, shift: Double, matrix: UnsafePointer<Double>, taps: Int,
    rows: UnsafeMutablePointer<Double>, stride: Int, middles: UnsafeMutablePointer<Double>
  ) {
    var cell = firstWanted
    while cell < cells {
      let slot = slots[cell]
      if slot >= 0 {
        let reference = slot + taps / 2 - 1
        let (e, l) = (exponents[reference], logarithms[reference])
        var (even, odd) = (Doubles(), Doubles())
        var tap = 0
        while tap < taps {
          let ratios = multiplyAdd(ln2, load(exponents + slot + tap) - e, load(logarithms + slot + tap) - l)
          let row = matrix + 8 * tap
          even = multiplyAdd(ratios[0], load(row), even)
          odd = multiplyAdd(ratios[1], load(row + 8), odd)
          even = multiplyAdd(ratios[2], load(row + 16), even)
          odd = multiplyAdd(ratios[3], load(row + 24), odd)
          even = multiplyAdd(ratios[4], load(row + 32), even)
          odd = multiplyAdd(ratios[5], load(row + 40), odd)
          even = multiplyAdd(ratios[6], load(row + 48), even)
          odd = multiplyAdd(ratios[7], load(row + 56), odd)
          tap += 8
        }
        var coefficients = even + odd
        coefficients[0] += l
        store(coefficients, to: rows + stride * cell)
        middles[cell] = ln2 * (e - shift) + coefficients[0]
      }
      cell += 1
    }
    // The values in the middle, eight at a time.
    cell = firstWanted
    while cell < cells {
      let count = cells - cell < 8 ? cells - cell : 8
      var (logarithms, shifts) = (Doubles(), Doubles())
      var lane = 0
      while lane < count {
        let slot = slots[cell + lane]
        if slot >= 0 {
          logarithms[lane] = rows[stride * (cell + lane)]
          shifts[lane] = exponents[slot + taps / 2 - 1] - shift
        }
        lane += 1
      }
      let values = exponential(logarithms, shift: shifts)
      lane = 0
      while lane < count {
        if slots[cell + lane] >= 0 { rows[stride * (cell + lane)] = values[lane] }
        lane += 1
      }
      cell += 8
    }
  }
}

/// Eight rows of eight coefficients as columns.
@inline(__always)
private func columns(
  _ rows: UnsafePointer<Double>, _ stride: Int, _ cells: Words
) -> (Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles) {
  @inline(__always) func row(_ cell: Int64) -> UnsafePointer<Double> { rows + stride * Int(cell) }
  return transposed(
    row(cells[0]), row(cells[1]), row(cells[2]), row(cells[3]), row(cells[4]), row(cells[5]), row(cells[6]),
    row(cells[7]))
}

/// c₁t + … + c₇t⁷.
@inline(__always)
private func rise(
  _ c: (Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles), at t: Doubles
) -> Doubles {
  let s = t * t
  let odd = multiplyAdd(multiplyAdd(multiplyAdd(c.7, s, c.5), s, c.3), s, c.1)
  let even = multiplyAdd(multiplyAdd(c.6, s, c.4), s, c.2)
  return multiplyAdd(odd, t, even * s)
}

extension VectorKernels {
  @inline(never)
  package static func expandRatios(
    _ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, over heights: UnsafePointer<Double>,
    points: Int, cells: Int, slots: UnsafePointer<Int>, matrix: UnsafePointer<Double>, taps: Int,
    rows: UnsafeMutablePointer<Double>
  ) {
    var point = 0
    while point < points {
      let height = load(heights + point)
      let inverse = (1 / height).replacing(with: 0, where: height .<= 0)
      store(load(a + point) * inverse, to: a + point)
      store(load(b + point) * inverse, to: b + point)
      point += 8
    }
    var cell = 0
    while cell < cells {
      let slot = slots[cell]
      if slot >= 0 {
        var (ofA, ofB) = (Doubles(), Doubles())
        var tap = 0
        while tap < taps {
          let row = load(matrix + 8 * tap)
          ofA = multiplyAdd(a[slot + tap], row, ofA)
          ofB = multiplyAdd(b[slot + tap], row, ofB)
          tap += 1
        }
        store(ofA, to: rows + 24 * cell + 8)
        store(ofB, to: rows + 24 * cell + 16)
      }
      cell += 1
    }
  }

  @inline(never)
  package static func evaluate(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>
  ) -> Double {
    let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
    var total = ExactSum(-1)
    var index = 0
    while index < count {
      let end = count - index > 512 ? index + 512 : count
      var part = Doubles()
      while index < end {
        let (cells, t) = places(
          of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
        let c = columns(rows, 8, cells)
        let p = c.0 * moderateExponential(rise(c, at: t))
        store(p, to: gaps + index)
        part += p
        index += 8
      }
      total.add(sum(part))
    }
    return total.value
  }

  @inline(never)
  package static func evaluateLogarithms(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, middles: UnsafePointer<Double>
  ) {
    let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
    var index = 0
    while index < count {
      let (cells, t) = places(
        of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
      let c = columns(rows, 8, cells)
      let middle = Doubles(
        middles[Int(cells[0])], middles[Int(cells[1])], middles[Int(cells[2])], middles[Int(cells[3])],
        middles[Int(cells[4])], middles[Int(cells[5])], middles[Int(cells[6])], middles[Int(cells[7])])
      store(middle + rise(c, at: t), to: gaps + index)
      index += 8
    }
  }

  @inline(never)
  package static func evaluatePullback(
    _ gaps: UnsafeMutablePointer<Double>, _ cotangent: UnsafeMutablePointer<Double>, _ count: Int,
    from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>
  ) -> Double {
    let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
    var total = ExactSum(-1)
    var index = 0
    while index < count {
      let end = count - index > 512 ? index + 512 : count
      var part = Doubles()
      while index < end {
        let (cells, t) = places(
          of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
        let c = columns(rows, 24, cells)
        let p = c.0 * moderateExponential(rise(c, at: t))
        let ofA = columns(rows + 8, 24, cells)
        let a = ofA.0 + rise(ofA, at: t)
        let ofB = columns(rows + 16, 24, cells)
        let b = ofB.0 + rise(ofB, at: t)
        store(p, to: gaps + index)
        store(p * (load(cotangent + index) * a - b), to: cotangent + index)
        part += p
        index += 8
      }
      total.add(sum(part))
    }
    return total.value
  }
}

/// A sum with the rounding of every addition kept.
private struct ExactSum {
  private var high: Double
  private var low = 0.0

  @inline(__always)
  init(_ start: Double) { high = start }

  @inline(__always)
  mutating func add(_ term: Double) {
    let next = high + term
    let part = next - high
    low += (high - (next - part)) + (term - part)
    high = next
  }

  var value: Double { high + low }
}
