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
      depositChunk(
        gaps + start, end - start, from: limit, grid: grid, sums: sums, scratch: scratch + 3 * length)
      let isFirst = start == 0
      let isLast = end == count
      var place = 0
      while place < length - 8 {
        let classes = sums[place] &+ sums[length + place]
        if classes == 0 && isFirst {
          store(Doubles(), to: moments + place)
          if !isLast { store(Doubles(), to: scratch + (2 * length + place)) }
        } else if classes > 0 || isLast {
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
        }
        place += 8
      }
      start = end
    } while start < count
  }
}

/// How many classes at a time go through memory, between their places and the cells: the compiler takes transposed
/// arithmetic apart.
private let block = 64

/// Cells and powers of the places of a block of gaps: eight rows of powers, from t⁰ on, times weights if there are any.
@inline(__always)
private func writePowers(
  of gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  cells: UnsafeMutablePointer<Int>, powers: UnsafeMutablePointer<Double>,
  _ power: (_ t: Doubles, _ index: Int) -> (
    Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles
  )
) {
  let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
  var index = 0
  while index < count {
    let (places, t) = places(
      of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
    UnsafeMutableRawPointer(cells + index).storeBytes(of: places, as: Words.self)
    let rows = power(t, index)
    store(rows.0, to: powers + index)
    store(rows.1, to: powers + (block + index))
    store(rows.2, to: powers + (2 * block + index))
    store(rows.3, to: powers + (3 * block + index))
    store(rows.4, to: powers + (4 * block + index))
    store(rows.5, to: powers + (5 * block + index))
    store(rows.6, to: powers + (6 * block + index))
    store(rows.7, to: powers + (7 * block + index))
    index += 8
  }
}

/// Hands every class of a block its cell and its eight powers.
@inline(__always)
private func forEachClass(
  _ count: Int, powers: UnsafePointer<Double>, cells: UnsafePointer<Int>,
  _ body: (_ index: Int, _ cell: Int, _ row: Doubles) -> Void
) {
  var index = 0
  while index < count {
    let p = powers + index
    let rows = transposed(
      p, p + block, p + 2 * block, p + 3 * block, p + 4 * block, p + 5 * block, p + 6 * block, p + 7 * block)
    body(0, cells[index], rows.0)
    body(1, cells[index + 1], rows.1)
    body(2, cells[index + 2], rows.2)
    body(3, cells[index + 3], rows.3)
    body(4, cells[index + 4], rows.4)
    body(5, cells[index + 5], rows.5)
    body(6, cells[index + 6], rows.6)
    body(7, cells[index + 7], rows.7)
    index += 8
  }
}

extension VectorKernels {
  @inline(never)
  package static func depositWeighted(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, from limit: Double,
    grid: CellGrid, moments: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    var place = 0
    while place < 8 * (grid.count + 1) {
      store(Doubles(), to: moments + place)
      place += 8
    }
    let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    var start = 0
    while start < count {
      let length = count - start < block ? count - start : block
      writePowers(
        of: gaps + start, length, from: limit, grid: grid, cells: cells, powers: scratch + block
      ) { t, index in
        let v = load(weights + (start + index))
        let (t2, v2) = (t * t, v * (t * t))
        let (t3, v4) = (t2 * t, v2 * t2)
        return (v, v * t, v2, v * t3, v4, v4 * t, v4 * t2, v4 * t3)
      }
      forEachClass(length, powers: scratch + block, cells: cells) { _, cell, row in
        let place = moments + 8 * cell
        store(load(place) + row, to: place)
      }
      start += length
    }
  }
}

/// The sums of one chunk, in two copies, so that classes of one cell wait for each other half as long.
@inline(__always)
private func depositChunk(
  _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  sums: UnsafeMutablePointer<Int64>, scratch: UnsafeMutablePointer<Double>
) {
  let length = 8 * (grid.count + 1)
  var place = 0
  while place < 2 * length {
    UnsafeMutableRawPointer(sums + place).storeBytes(of: Words(), as: Words.self)
    place += 8
  }
  let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
  let one = doubles(Words(repeating: 1))
  var start = 0
  while start < count {
    let classes = count - start < block ? count - start : block
    writePowers(of: gaps + start, classes, from: limit, grid: grid, cells: cells, powers: scratch + block) {
      t, _ in
      let t2 = t * t
      let (t3, t4) = (t2 * t, t2 * t2)
      return (
        one, t + fixed, t2 + fixed, t3 + fixed, t4 + fixed, t4 * t + fixed, t4 * t2 + fixed, t4 * t3 + fixed
      )
    }
    forEachClass(classes, powers: scratch + block, cells: cells) { index, cell, row in
      let place = UnsafeMutableRawPointer(sums + (index & 1) * length + 8 * cell)
      place.storeBytes(of: place.loadUnaligned(as: Words.self) &+ words(row), as: Words.self)
    }
    start += classes
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
  package static func list(
    occupied: UnsafePointer<Double>, cells: Int, taps: Int, points: UnsafeMutablePointer<Int>,
    slots: UnsafeMutablePointer<Int>
  ) -> Int {
    var (count, remaining) = (0, 0)
    var cell = 0
    while cell < cells + taps - 1 {
      if cell < cells {
        if occupied[8 * cell] > 0 {
          remaining = taps
          slots[cell] = count
        } else {
          slots[cell] = -1
        }
      }
      points[count] = cell
      if remaining > 0 {
        count += 1
        remaining -= 1
      }
      cell += 1
    }
    return count
  }

  @inline(never)
  package static func spread(
    _ moments: UnsafePointer<Double>, cells: Int, shares: UnsafePointer<Double>, taps: Int,
    points: UnsafePointer<Int>, count: Int, slots: UnsafePointer<Int>, weights: UnsafeMutablePointer<Double>
  ) {
    // Eight points at a time take what the cells around have for them: rows of the matrix stand between zeros.
    let stride = taps + 16
    var point = 0
    while point < count {
      let first = points[point]
      let last = point + 7 < count ? point + 7 : count - 1
      if points[last] - first == last - point {
        var cell = first - taps + 1 < 0 ? 0 : first - taps + 1
        let end = first + 8 < cells ? first + 8 : cells
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        while cell < end {
          if slots[cell] >= 0 {
            let (row, shares) = (moments + 8 * cell, shares + (8 + first - cell))
            a = multiplyAdd(row[0], load(shares), a)
            b = multiplyAdd(row[1], load(shares + stride), b)
            c = multiplyAdd(row[2], load(shares + 2 * stride), c)
            d = multiplyAdd(row[3], load(shares + 3 * stride), d)
            a = multiplyAdd(row[4], load(shares + 4 * stride), a)
            b = multiplyAdd(row[5], load(shares + 5 * stride), b)
            c = multiplyAdd(row[6], load(shares + 6 * stride), c)
            d = multiplyAdd(row[7], load(shares + 7 * stride), d)
          }
          cell += 1
        }
        store((a + b) + (c + d), to: weights + point)
        point += 8
      } else {
        // A list with a hole in it: one point.
        var cell = first - taps + 1 < 0 ? 0 : first - taps + 1
        let end = first + 1 < cells ? first + 1 : cells
        var sum = 0.0
        while cell < end {
          if slots[cell] >= 0 {
            let (row, shares) = (moments + 8 * cell, shares + (8 + first - cell))
            var k = 0
            while k < 8 {
              sum += row[k] * shares[stride * k]
              k += 1
            }
          }
          cell += 1
        }
        weights[point] = sum
        point += 1
      }
    }
  }
}

// MARK: nodes

extension VectorKernels {
  @inline(never)
  package static func locate(
    _ points: UnsafePointer<Int>, _ count: Int, in layout: SampleLayout, from start: Int, stride: Int,
    nodes: Int,
    starts: UnsafeMutablePointer<Int>, cumulativeReaches: UnsafeMutablePointer<Int>,
    hazardReaches: UnsafeMutablePointer<Int>
  ) {
    let (shift, mask) = (layout.stepExponent, (1 << layout.stepExponent) - 1)
    var index = 0
    while index < count {
      let offset = start - points[index] * stride
      starts[index] = (offset & mask) * layout.rowLength + (offset >> shift)
      let cumulative = (layout.cumulativeCount - offset + mask) >> shift
      let hazard = (layout.hazardCount - offset + mask) >> shift
      cumulativeReaches[index] = cumulative < 0 ? 0 : cumulative > nodes ? nodes : cumulative
      hazardReaches[index] = hazard < 0 ? 0 : hazard > nodes ? nodes : hazard
      index += 1
    }
  }

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
  package static func divide(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by divisors: UnsafePointer<Double>,
    above limit: Double
  ) {
    var index = 0
    while index < count {
      let divisor = load(divisors + index)
      store(
        (load(numbers + index) / divisor).replacing(with: 0, where: .!(divisor .> limit)), to: numbers + index
      )
      index += 8
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
    rows: UnsafeMutablePointer<Double>, middles: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let (shifts, values) = (scratch, scratch + padded(cells))
    var cell = firstWanted
    while cell < cells {
      let slot = slots[cell]
      middles[cell] = 0
      shifts[cell] = 0
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
        let coefficients = even + odd
        store(coefficients, to: rows + 8 * cell)
        middles[cell] = l + coefficients[0]
        shifts[cell] = e - shift
      }
      cell += 1
    }
    cell = firstWanted
    while cell < cells {
      let (logarithm, shift) = (load(middles + cell), load(shifts + cell))
      store(exponential(logarithm, shift: shift), to: values + cell)
      store(multiplyAdd(ln2, shift, logarithm), to: middles + cell)
      cell += 8
    }
    cell = firstWanted
    while cell < cells {
      if slots[cell] >= 0 { rows[8 * cell] = values[cell] }
      cell += 1
    }
  }
}

/// Eight rows of eight coefficients as columns.
@inline(__always)
private func columns(
  _ rows: UnsafePointer<Double>, _ stride: Int, _ cells: UnsafePointer<Int>
) -> (Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles) {
  transposed(
    rows + stride * cells[0], rows + stride * cells[1], rows + stride * cells[2], rows + stride * cells[3],
    rows + stride * cells[4], rows + stride * cells[5], rows + stride * cells[6], rows + stride * cells[7])
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
  package static func expandValues(
    _ values: UnsafePointer<Double>, cells: Int, slots: UnsafePointer<Int>, matrix: UnsafePointer<Double>,
    taps: Int, rows: UnsafeMutablePointer<Double>, stride: Int
  ) {
    var cell = 0
    while cell <= cells {
      // Behind the last cell there is none.
      let slot = cell < cells ? slots[cell] : -1
      var (even, odd) = (Doubles(), Doubles())
      if slot >= 0 {
        var tap = 0
        while tap < taps {
          even = multiplyAdd(values[slot + tap], load(matrix + 8 * tap), even)
          odd = multiplyAdd(values[slot + tap + 1], load(matrix + 8 * tap + 8), odd)
          tap += 2
        }
      }
      store(even + odd, to: rows + stride * cell)
      cell += 1
    }
  }
}

/// Hands eight classes after the other their cells and their places in them.
@inline(__always)
private func forEachEight(
  of gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  scratch: UnsafeMutablePointer<Double>,
  _ body: (_ index: Int, _ cells: UnsafePointer<Int>, _ t: Doubles) -> Void
) {
  let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
  let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
  var start = 0
  while start < count {
    let end = count - start < block ? count : start + block
    var index = start
    while index < end {
      let (places, t) = places(
        of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
      UnsafeMutableRawPointer(cells + (index - start)).storeBytes(of: places, as: Words.self)
      store(t, to: gaps + index)
      index += 8
    }
    index = start
    while index < end {
      body(index, cells + (index - start), load(gaps + index))
      index += 8
    }
    start = end
  }
}

extension VectorKernels {
  @inline(never)
  package static func evaluate(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    var total = ExactSum(-1)
    var part = Doubles()
    forEachEight(of: gaps, count, from: limit, grid: grid, scratch: scratch) { index, cells, t in
      let c = columns(rows, 8, cells)
      let p = c.0 * moderateExponential(rise(c, at: t))
      store(p, to: gaps + index)
      part += p
      if index & 511 == 0 {
        total.add(sum(part))
        part = Doubles()
      }
    }
    total.add(sum(part))
    return total.value
  }

  @inline(never)
  package static func evaluateLogarithms(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, middles: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    forEachEight(of: gaps, count, from: limit, grid: grid, scratch: scratch) { index, cells, t in
      let middle = Doubles(
        middles[cells[0]], middles[cells[1]], middles[cells[2]], middles[cells[3]], middles[cells[4]],
        middles[cells[5]], middles[cells[6]], middles[cells[7]])
      store(middle + rise(columns(rows, 8, cells), at: t), to: gaps + index)
    }
  }

  @inline(never)
  package static func evaluatePullback(
    _ gaps: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ count: Int, from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>, unit: Double, ofA: Double,
    ofB: Double, scratch: UnsafeMutablePointer<Double>
  ) {
    forEachEight(of: gaps, count, from: limit, grid: grid, scratch: scratch) { index, cells, t in
      let ofClassesA = columns(rows, 16, cells)
      let a = ofClassesA.0 + rise(ofClassesA, at: t)
      let ofClassesB = columns(rows + 8, 16, cells)
      let b = ofClassesB.0 + rise(ofClassesB, at: t)
      let result = unit * ((load(u + index) * ofA) * a - (load(p + index) * ofB) * b)
      // Where p is 0 so is what it moves, whatever a and b are.
      store(result.replacing(with: 0, where: load(p + index) .<= 0), to: u + index)
    }
  }
}

extension VectorKernels {
  @inline(never)
  package static func sumsOfExponentials(
    _ numbers: UnsafePointer<Double>, _ count: Int, split: Double
  ) -> (below: Double, above: Double) {
    var (below, above) = (ExactSum(0), ExactSum(0))
    var index = 0
    while index < count {
      let end = count - index < 512 ? count : index + 512
      var (low, high) = (Doubles(), Doubles())
      while index < end {
        let logarithm = load(numbers + index)
        let p = exponential(logarithm)
        low += p.replacing(with: 0, where: logarithm .> split)
        high += p.replacing(with: 0, where: logarithm .<= split)
        index += 8
      }
      below.add(sum(low))
      above.add(sum(high))
    }
    return (below.value, above.value)
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
