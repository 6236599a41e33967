#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice from its grid points to the classes.

extension VectorKernels {
  @inline(never)
  package static func logarithms(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double,
    to logarithms: UnsafeMutablePointer<Double>
  ) {
    forEachVector(of: count) { index in
      let (exponent, logarithm) = splitLogarithm(load(numbers + index))
      let whole = exponent - shift
      store(
        multiplyAdd(ln2High, whole, multiplyAdd(ln2Low, whole, logarithm)), to: logarithms + index)
    }
  }

  @inline(never)
  package static func expand(
    _ logarithms: UnsafePointer<Double>, from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>,
    matrix: UnsafePointer<Double>, taps: Int, rows: UnsafeMutablePointer<Double>,
    middles: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    var cell = firstWanted
    while cell < cells {
      let slot = slots[cell]
      middles[cell] = 0
      if slot >= 0 {
        let reference = logarithms[slot + taps / 2 - 1]
        var (even, odd) = (Doubles(), Doubles())
        forEachVector(of: taps) { tap in
          let ratios = load(logarithms + slot + tap) - reference
          let row = matrix + 8 * tap
          even = multiplyAdd(ratios[0], load(row), even)
          odd = multiplyAdd(ratios[1], load(row + 8), odd)
          even = multiplyAdd(ratios[2], load(row + 16), even)
          odd = multiplyAdd(ratios[3], load(row + 24), odd)
          even = multiplyAdd(ratios[4], load(row + 32), even)
          odd = multiplyAdd(ratios[5], load(row + 40), odd)
          even = multiplyAdd(ratios[6], load(row + 48), even)
          odd = multiplyAdd(ratios[7], load(row + 56), odd)
        }
        let coefficients = even + odd
        store(coefficients, to: rows + 8 * cell)
        middles[cell] = reference + coefficients[0]
      }
      cell += 1
    }
    cell = firstWanted
    while cell < cells {
      store(exponential(load(middles + cell)), to: scratch + cell)
      cell += 8
    }
    cell = firstWanted
    while cell < cells {
      if slots[cell] >= 0 { rows[8 * cell] = scratch[cell] }
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

  @inline(never)
  package static func expandPairs(
    _ values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, cells: Int, slots: UnsafePointer<Int>,
    matrix: UnsafePointer<Double>, taps: Int, rows: UnsafeMutablePointer<Double>
  ) {
    var cell = 0
    while cell <= cells {
      let slot = cell < cells ? slots[cell] : -1
      var (first, second) = (Doubles(), Doubles())
      if slot >= 0 {
        for tap in 0..<taps {
          first = multiplyAdd(values[slot + tap], load(matrix + 8 * tap), first)
          second = multiplyAdd(others[slot + tap], load(matrix + 8 * tap), second)
        }
      }
      store(Doubles(lowHalf: first.lowHalf, highHalf: second.lowHalf), to: rows + 8 * cell)
      cell += 1
    }
  }
}

/// Calls the body for eight classes at a time, with their cells and their offsets in them.
@inline(__always)
private func forEachEight(
  of gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  scratch: UnsafeMutablePointer<Double>,
  _ body: (_ index: Int, _ cells: UnsafePointer<Int>, _ t: Doubles) -> Void
) {
  let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
  var start = 0
  while start < count {
    let end = count - start < block ? count : start + block
    let offsets = gaps + start
    forEachOffset(of: offsets, end - start, from: limit, grid: grid, cells: cells) {
      store($1, to: offsets + $0)
    }
    var index = start
    while index < end {
      body(index, cells + (index - start), load(gaps + index))
      index += 8
    }
    start = end
  }
}

extension VectorKernels {
  @inline(never)
  package static func evaluateLogarithmsOfCells(
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
  package static func evaluatePullbackOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ count: Int, from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>, isShort: Bool,
    unit: Double, ofA: Double, ofB: Double, scratch: UnsafeMutablePointer<Double>
  ) {
    // A class with p = 0 moves nothing, whatever a and b are.
    @inline(__always) func move(_ index: Int, _ a: Doubles, _ b: Doubles) {
      let result = unit * ((load(u + index) * ofA) * a - (load(p + index) * ofB) * b)
      store(result.replacing(with: 0, where: load(p + index) .<= 0), to: u + index)
    }
    if isShort {
      forEachEight(of: gaps, count, from: limit, grid: grid, scratch: scratch) { index, cells, t in
        let c = columns(rows, 8, cells)
        move(
          index, multiplyAdd(multiplyAdd(multiplyAdd(c.3, t, c.2), t, c.1), t, c.0),
          multiplyAdd(multiplyAdd(multiplyAdd(c.7, t, c.6), t, c.5), t, c.4))
      }
    } else {
      forEachEight(of: gaps, count, from: limit, grid: grid, scratch: scratch) { index, cells, t in
        let ofA = columns(rows, 16, cells)
        let a = ofA.0 + rise(ofA, at: t)
        let ofB = columns(rows + 8, 16, cells)
        move(index, a, ofB.0 + rise(ofB, at: t))
      }
    }
  }
}
