#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the classes, the cells and the nodes of one row.
//
// Rows of gaps are padded to whole vectors with −∞. Every cell has eight coefficients, whatever the number of terms of
// its basis; the cell behind the last one takes what is not wanted.

/// Writes the cell of every gap, or of cells in equal parts the part, times a stride, and passes on the offsets t ∈ −1…1 in
/// them. A gap below the limit gets what is behind the last one.
@inline(__always)
func forEachOffset(
  of gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid, parts: Int = 1,
  stride: Int = 1, cells: UnsafeMutablePointer<Int>, _ body: (_ index: Int, _ t: Doubles) -> Void
) {
  let (scale, stride) = (Double(parts), Double(stride))
  let (perUnit, first) = (grid.perUnit * scale, Double(grid.firstCell) * scale)
  let last = Double(grid.count) * scale * stride
  var index = 0
  while index < count {
    let gap = load(gaps + index)
    let isOut = gap .< limit
    let position = gap.replacing(with: 0, where: isOut) * perUnit
    let cell = floor(position)
    let own = ((cell - first) * stride).replacing(with: last, where: isOut)
    UnsafeMutableRawPointer(cells + index).storeBytes(of: integers(own), as: Words.self)
    body(index, 2 * (position - cell) - 1)
    index += 8
  }
}

extension VectorKernels {
  @inline(never)
  package static func survey(
    _ gaps: UnsafePointer<Double>, _ count: Int, competingFrom competing: Double, wantedFrom wanted: Double
  ) -> GapSurvey {
    var (lowest, rarest) = (Doubles(), Doubles())
    var (competitors, deeper) = (Doubles(), Doubles())
    forEachVector(of: count) { index in
      let gap = load(gaps + index)
      let competes = gap .>= competing
      lowest = smaller(lowest, gap.replacing(with: 0, where: .!competes))
      let isWanted = gap .>= wanted
      rarest = smaller(rarest, gap.replacing(with: 0, where: .!isWanted))
      competitors += Doubles().replacing(with: 1, where: competes)
      deeper += Doubles().replacing(with: 1, where: gap .> -.infinity .& .!isWanted)
    }
    var result = GapSurvey()
    result.lowest = -largest(-lowest)
    result.rarest = -largest(-rarest)
    result.competitors = Int(laneSum(competitors))
    result.hasDeeper = laneSum(deeper) > 0
    return result
  }
}

// MARK: weighted moments

/// How many classes at a time go through memory between their powers and the cells. Without memory between, the compiler takes
/// arithmetic apart where lanes change places.
let block = 64

extension VectorKernels {
  @inline(never)
  package static func depositMoments(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, from limit: Double,
    grid: CellGrid, moments: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    forEachVector(of: 8 * (grid.count + 1)) { slot in
      store(Doubles(), to: moments + slot)
    }
    let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    let powers = scratch + block
    @inline(__always) func add(_ row: Doubles, to cell: Int) {
      let slot = moments + 8 * cell
      store(load(slot) + row, to: slot)
    }
    var start = 0
    while start < count {
      let length = count - start < block ? count - start : block
      forEachOffset(of: gaps + start, length, from: limit, grid: grid, cells: cells) { index, t in
        let (v, row) = (load(weights + (start + index)), powers + index)
        let (t2, v2) = (t * t, v * (t * t))
        let (t3, v4) = (t2 * t, v2 * t2)
        store(v, to: row)
        store(v * t, to: row + block)
        store(v2, to: row + 2 * block)
        store(v * t3, to: row + 3 * block)
        store(v4, to: row + 4 * block)
        store(v4 * t, to: row + 5 * block)
        store(v4 * t2, to: row + 6 * block)
        store(v4 * t3, to: row + 7 * block)
      }
      var index = 0
      while index < length {
        let p = powers + index
        let rows = transposed(
          p, p + block, p + 2 * block, p + 3 * block, p + 4 * block, p + 5 * block, p + 6 * block,
          p + 7 * block)
        add(rows.0, to: cells[index])
        add(rows.1, to: cells[index + 1])
        add(rows.2, to: cells[index + 2])
        add(rows.3, to: cells[index + 3])
        add(rows.4, to: cells[index + 4])
        add(rows.5, to: cells[index + 5])
        add(rows.6, to: cells[index + 6])
        add(rows.7, to: cells[index + 7])
        index += 8
      }
      start += length
    }
  }
}

// MARK: grid points

extension VectorKernels {
  @inline(never)
  package static func list(
    _ slots: UnsafeMutablePointer<Int>, cells: Int, taps: Int, points: UnsafeMutablePointer<Int>
  ) -> Int {
    var (count, next) = (0, 0)
    for cell in 0..<cells {
      if slots[cell] >= 0 {
        let block = cell >> 3
        let end = (cell + taps + 7) >> 3
        if next < block { next = block }
        while next < end {
          UnsafeMutableRawPointer(points + count).storeBytes(
            of: Words(repeating: Int64(8 * next)) &+ Words(0, 1, 2, 3, 4, 5, 6, 7), as: Words.self)
          count += 8
          next += 1
        }
        slots[cell] = count - 8 * (end - block) + (cell & 7)
      }
    }
    slots[cells] = count
    return count
  }

  @inline(never)
  package static func spread(
    _ moments: UnsafePointer<Double>, cells: Int, shares: ShareRows, terms: Int, points: UnsafePointer<Int>,
    count: Int, slots: UnsafePointer<Int>, weights: UnsafeMutablePointer<Double>
  ) {
    // Eight points at a time take what the cells around have for them. A cell beyond the reach of a point adds the zeros that
    // stand around its shares.
    let stride = shares.stride
    forEachVector(of: count) { point in
      let first = points[point]
      var cell = first - shares.points + 1 < 0 ? 0 : first - shares.points + 1
      let end = first + 8 < cells ? first + 8 : cells
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      while cell < end {
        if slots[cell] >= 0 {
          let (row, shares) = (moments + 8 * cell, shares.start + (first - cell))
          a = multiplyAdd(row[0], load(shares), a)
          b = multiplyAdd(row[1], load(shares + stride), b)
          c = multiplyAdd(row[2], load(shares + 2 * stride), c)
          d = multiplyAdd(row[3], load(shares + 3 * stride), d)
          a = multiplyAdd(row[4], load(shares + 4 * stride), a)
          if terms > 5 {
            b = multiplyAdd(row[5], load(shares + 5 * stride), b)
            c = multiplyAdd(row[6], load(shares + 6 * stride), c)
            d = multiplyAdd(row[7], load(shares + 7 * stride), d)
          }
        }
        cell += 1
      }
      store((a + b) + (c + d), to: weights + point)
    }
  }

  @inline(never)
  package static func interpolationErrors(
    of values: UnsafePointer<Double>, from first: Int, cells: Int, slots: UnsafePointer<Int>,
    differences: UnsafePointer<Double>, taps: Int, errors: UnsafeMutablePointer<Double>
  ) {
    for cell in 0..<cells {
      var error = 0.0
      if slots[cell] >= first {
        let value = values + slots[cell]
        var (ofTaps, ofTerms) = (Doubles(), Doubles())
        forEachVector(of: taps) { tap in
          let part = load(value + tap)
          ofTaps = multiplyAdd(load(differences + tap), part, ofTaps)
          ofTerms = multiplyAdd(load(differences + taps + tap), part, ofTerms)
        }
        let (below, above) = (value[taps / 2 - 1], value[taps / 2])
        error = (laneSum(ofTaps).magnitude + laneSum(ofTerms).magnitude) / (below < above ? below : above)
      }
      errors[cell] = error
    }
  }
}
