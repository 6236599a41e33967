#if VARIANT
  import NoiseKernels
#endif

// The loops over classes where cells are divided into equal parts: on a part four coefficients do what takes eight on
// the cell, and what goes through memory for every class is half as long.

/// How many classes at a time go through memory.
private let partBlock = 128

private typealias Quads = SIMD4<Double>
private typealias Integers = SIMD4<Int64>
private typealias FloatQuads = SIMD4<Float>

@inline(__always)
private func loadFour(_ p: UnsafePointer<Double>) -> Quads {
  UnsafeRawPointer(p).loadUnaligned(as: Quads.self)
}

@inline(__always)
private func loadFour(_ p: UnsafePointer<Float>) -> FloatQuads {
  UnsafeRawPointer(p).loadUnaligned(as: FloatQuads.self)
}

@inline(__always)
private func store(_ vector: FloatQuads, to p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: vector, as: FloatQuads.self)
}

@inline(__always)
private func store(_ vector: Quads, to p: UnsafeMutablePointer<Double>) {
  UnsafeMutableRawPointer(p).storeBytes(of: vector, as: Quads.self)
}

/// Adds the bits of a row to sums.
@inline(__always)
private func add(_ row: Quads, to slot: UnsafeMutablePointer<Int64>) {
  let sums = UnsafeMutableRawPointer(slot)
  sums.storeBytes(
    of: sums.loadUnaligned(as: Integers.self) &+ unsafeBitCast(row, to: Integers.self), as: Integers.self)
}

/// Four rows of four become four columns.
@inline(__always)
private func transposed(_ r0: Quads, _ r1: Quads, _ r2: Quads, _ r3: Quads) -> (Quads, Quads, Quads, Quads) {
  let a = Quads(r0[0], r1[0], r0[2], r1[2])
  let b = Quads(r0[1], r1[1], r0[3], r1[3])
  let c = Quads(r2[0], r3[0], r2[2], r3[2])
  let d = Quads(r2[1], r3[1], r2[3], r3[3])
  return (
    Quads(a[0], a[1], c[0], c[1]), Quads(b[0], b[1], d[0], d[1]), Quads(a[2], a[3], c[2], c[3]),
    Quads(b[2], b[3], d[2], d[3])
  )
}

// MARK: deposit

/// Powers are summed as integers, exactly in any order. Added to this number, a power has its last bit at 2⁻³⁹. From the sum of
/// the bit patterns the one of this number is taken off once for every class: what is left is the sum of the powers. There is
/// room for fewer than 2²⁴ classes (`mostClassesInParts`).
private let raised = 0x1.8p13
/// Added to this number, the fourth power has its last bit at 2⁻¹⁵. The bit pattern of this number is 2⁴⁰ times an odd one.
/// So the lower 40 bits of a sum are that of the powers, and the upper 24 tell the count: they are it times the odd number,
/// modulo 2²⁴.
private let counting = 0x1.001p37
/// The inverse of the odd number, modulo 2²⁴.
private let inverseOfCounting: Int64 = 12_435_457

extension VectorKernels {
  @inline(never)
  package static func depositParts(
    _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid, parts: Int,
    shares: UnsafePointer<Double>, moments: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let length = 4 * (grid.count * parts + 1)
    let memory = scratch + 2 * length
    let sums = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int64.self)
    let slots = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Int.self)
    let powers = memory + partBlock
    // Two copies, so that classes of one part wait for each other half as long; many parts have few each.
    let second = parts == 1 ? length : 0
    var slot = 0
    while slot < length + second {
      UnsafeMutableRawPointer(sums + slot).storeBytes(of: Integers(), as: Integers.self)
      slot += 4
    }
    var start = 0
    while start < count {
      let classes = count - start < partBlock ? count - start : partBlock
      forEachOffset(
        of: gaps + start, classes, from: limit, grid: grid, parts: parts, stride: 4, cells: slots
      ) { index, t in
        let t2 = t * t
        store(t + raised, to: powers + index)
        store(t2 + raised, to: powers + (partBlock + index))
        store(t2 * t + raised, to: powers + (2 * partBlock + index))
        store(t2 * t2 + counting, to: powers + (3 * partBlock + index))
      }
      var index = 0
      while index < classes {
        let p = powers + index
        let rows = transposed(
          loadFour(p), loadFour(p + partBlock), loadFour(p + 2 * partBlock), loadFour(p + 3 * partBlock))
        add(rows.0, to: sums + slots[index])
        add(rows.1, to: sums + (second + slots[index + 1]))
        add(rows.2, to: sums + slots[index + 2])
        add(rows.3, to: sums + (second + slots[index + 3]))
        index += 4
      }
      start += classes
    }
    for cell in 0..<grid.count {
      var row = Doubles()
      for part in 0..<parts {
        let slot = sums + 4 * (cell * parts + part)
        var sum = UnsafeMutableRawPointer(slot).loadUnaligned(as: Integers.self)
        if second > 0 {
          sum = sum &+ UnsafeMutableRawPointer(slot + second).loadUnaligned(as: Integers.self)
        }
        if sum[3] != 0 {
          let classes = ((sum[3] &>> 40) &* inverseOfCounting) & 0xFF_FFFF
          let base = classes &* Int64(bitPattern: raised.bitPattern)
          let share = shares + 40 * part
          row = multiplyAdd(Double(classes), load(share), row)
          row = multiplyAdd(Double(sum[0] &- base) * 0x1p-39, load(share + 8), row)
          row = multiplyAdd(Double(sum[1] &- base) * 0x1p-39, load(share + 16), row)
          row = multiplyAdd(Double(sum[2] &- base) * 0x1p-39, load(share + 24), row)
          row = multiplyAdd(Double(sum[3] & 0xFF_FFFF_FFFF) * 0x1p-15, load(share + 32), row)
        }
      }
      store(row, to: moments + 8 * cell)
    }
  }
}

// MARK: evaluation

/// The first two numbers of two rows, as a piece of two columns.
@inline(__always)
private func storeTwoColumns(
  of row: UnsafePointer<Double>, _ next: UnsafePointer<Double>, to column: UnsafeMutablePointer<Double>
) {
  let a = UnsafeRawPointer(row).loadUnaligned(as: SIMD2<Double>.self)
  let b = UnsafeRawPointer(next).loadUnaligned(as: SIMD2<Double>.self)
  UnsafeMutableRawPointer(column).storeBytes(of: SIMD2(a[0], b[0]), as: SIMD2<Double>.self)
  UnsafeMutableRawPointer(column + partBlock).storeBytes(of: SIMD2(a[1], b[1]), as: SIMD2<Double>.self)
}

extension VectorKernels {
  @inline(never)
  package static func divide(
    _ rows: UnsafePointer<Double>, from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>, parts: Int,
    shares: UnsafePointer<Double>, to partRows: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    let stride = 4 * parts
    var cell = firstWanted
    while cell < cells {
      let (row, result) = (rows + 8 * cell, partRows + stride * cell)
      var slot = 0
      if slots[cell] >= 0 {
        while slot < stride {
          let share = shares + slot
          var odd = row[1] * load(share)
          var even = row[2] * load(share + stride)
          odd = multiplyAdd(row[3], load(share + 2 * stride), odd)
          even = multiplyAdd(row[4], load(share + 3 * stride), even)
          odd = multiplyAdd(row[5], load(share + 4 * stride), odd)
          even = multiplyAdd(row[6], load(share + 5 * stride), even)
          odd = multiplyAdd(row[7], load(share + 6 * stride), odd)
          store(odd + even, to: result + slot)
          slot += 8
        }
        for part in 0..<parts {
          scratch[part] = result[4 * part]
        }
        forEachVector(of: parts) { part in
          store(row[0] * moderateExponential(load(scratch + part)), to: scratch + part)
        }
        for part in 0..<parts {
          result[4 * part] = scratch[part]
        }
      } else {
        while slot < stride {
          store(Doubles(), to: result + slot)
          slot += 8
        }
      }
      cell += 1
    }
    // Behind the last cell stand the classes that are not wanted.
    store(Quads(), to: partRows + stride * cells)
  }

  @inline(never)
  package static func evaluateParts(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid, parts: Int,
    rows: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    let columns = scratch + partBlock
    var total = (high: -1.0, low: 0.0)
    var start = 0
    while start < count {
      let classes = count - start < partBlock ? count - start : partBlock
      let result = gaps + start
      forEachOffset(
        of: result, classes, from: limit, grid: grid, parts: parts, stride: 4, cells: cells
      ) { index, t in
        store(t, to: result + index)
      }
      // Through memory: instructions that move lanes and those that compute with them slow each other down.
      var index = 0
      while index < classes {
        let (row, next) = (rows + cells[index], rows + cells[index + 1])
        storeTwoColumns(of: row, next, to: columns + index)
        storeTwoColumns(of: row + 2, next + 2, to: columns + (2 * partBlock + index))
        index += 2
      }
      var part = Doubles()
      forEachVector(of: classes) { index in
        let (t, column) = (load(result + index), columns + index)
        let slope = multiplyAdd(
          multiplyAdd(load(column + 3 * partBlock), t, load(column + 2 * partBlock)), t,
          load(column + partBlock))
        let p = load(column) * moderateExponential(slope * t)
        store(p, to: result + index)
        part += p
      }
      add(laneSum(part), to: &total)
      start += classes
    }
    return total.high + total.low
  }

  @inline(never)
  package static func evaluateFloats(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    let columns = UnsafeMutableRawPointer(scratch + partBlock).assumingMemoryBound(to: Float.self)
    let floats = columns + 4 * partBlock
    let table = UnsafeMutableRawPointer(scratch + blockMemory).assumingMemoryBound(to: Float.self)
    var cell = 0
    while cell <= grid.count {
      let row = loadFour(rows + 8 * cell)
      store(FloatQuads(Float(row[0]), Float(row[1]), Float(row[2]), Float(row[3])), to: table + 4 * cell)
      cell += 1
    }
    var total = (high: -1.0, low: 0.0)
    var start = 0
    while start < count {
      let classes = count - start < partBlock ? count - start : partBlock
      let result = gaps + start
      forEachOffset(
        of: result, classes, from: limit, grid: grid, stride: 4, cells: cells
      ) { index, t in
        storeFloats(t, to: floats + index)
      }
      var index = 0
      while index < classes {
        let (a, b) = (loadFour(table + cells[index]), loadFour(table + cells[index + 1]))
        let (c, d) = (loadFour(table + cells[index + 2]), loadFour(table + cells[index + 3]))
        let (ab, cd) = (FloatQuads(a[0], b[0], a[1], b[1]), FloatQuads(c[0], d[0], c[1], d[1]))
        let (abEnd, cdEnd) = (FloatQuads(a[2], b[2], a[3], b[3]), FloatQuads(c[2], d[2], c[3], d[3]))
        let column = columns + index
        store(FloatQuads(ab[0], ab[1], cd[0], cd[1]), to: column)
        store(FloatQuads(ab[2], ab[3], cd[2], cd[3]), to: column + partBlock)
        store(FloatQuads(abEnd[0], abEnd[1], cdEnd[0], cdEnd[1]), to: column + 2 * partBlock)
        store(FloatQuads(abEnd[2], abEnd[3], cdEnd[2], cdEnd[3]), to: column + 3 * partBlock)
        index += 4
      }
      // Sixteen at a time. If the last sixteen are only eight classes, what is computed behind them is not read.
      index = 0
      while index < classes {
        let (t, column) = (load(floats + index), columns + index)
        let slope = multiplyAdd(
          multiplyAdd(load(column + 3 * partBlock), t, load(column + 2 * partBlock)), t,
          load(column + partBlock))
        store(load(column) * moderateExponential(slope * t), to: floats + index)
        index += 16
      }
      var part = Doubles()
      forEachVector(of: classes) { index in
        let p = doubles(at: floats + index)
        store(p, to: result + index)
        part += p
      }
      add(laneSum(part), to: &total)
      start += classes
    }
    return total.high + total.low
  }
}
