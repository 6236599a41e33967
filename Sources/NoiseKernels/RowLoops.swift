#if VARIANT
  import NoiseKernels
#endif

// The loops over rows as the caller has them, of Floats or Doubles: both are computed with as Doubles.

/// Eight numbers of a row in memory that is not padded; −∞ behind its end.
@inline(__always)
func part(_ row: UnsafePointer<Double>, _ index: Int, _ count: Int) -> Doubles {
  if index + 8 <= count { return load(row + index) }
  return firstLanes(count - index) { row[index + $0] }
}

@inline(__always)
func part(_ row: UnsafePointer<Float>, _ index: Int, _ count: Int) -> Doubles {
  if index + 8 <= count { return doubles(at: row + index) }
  return firstLanes(count - index) { Double(row[index + $0]) }
}

/// Lanes that are known when this is compiled: others would go through memory one by one.
@inline(__always)
private func firstLanes(_ count: Int, _ number: (Int) -> Double) -> Doubles {
  var vector = Doubles(repeating: -.infinity)
  if count > 0 { vector[0] = number(0) }
  if count > 1 { vector[1] = number(1) }
  if count > 2 { vector[2] = number(2) }
  if count > 3 { vector[3] = number(3) }
  if count > 4 { vector[4] = number(4) }
  if count > 5 { vector[5] = number(5) }
  if count > 6 { vector[6] = number(6) }
  return vector
}

@inline(__always)
func put(_ vector: Doubles, to row: UnsafeMutablePointer<Double>, _ index: Int, _ count: Int) {
  if index + 8 <= count {
    store(vector, to: row + index)
  } else {
    putFirstLanes(count - index, of: vector) { row[index + $0] = $1 }
  }
}

@inline(__always)
func put(_ vector: Doubles, to row: UnsafeMutablePointer<Float>, _ index: Int, _ count: Int) {
  if index + 8 <= count {
    storeFloats(vector, to: row + index)
  } else {
    putFirstLanes(count - index, of: vector) { row[index + $0] = Float($1) }
  }
}

@inline(__always)
private func putFirstLanes(_ count: Int, of vector: Doubles, _ put: (Int, Double) -> Void) {
  if count > 0 { put(0, vector[0]) }
  if count > 1 { put(1, vector[1]) }
  if count > 2 { put(2, vector[2]) }
  if count > 3 { put(3, vector[3]) }
  if count > 4 { put(4, vector[4]) }
  if count > 5 { put(5, vector[5]) }
  if count > 6 { put(6, vector[6]) }
}

// MARK: the largest logit

/// The largest of some numbers. A NaN may drop out.
@inline(__always)
func largest(of count: Int, _ part: (Int) -> Doubles) -> Double {
  var tops = part(0)
  var index = 8
  while index < count {
    tops = larger(tops, part(index))
    index += 8
  }
  return largest(tops)
}

extension VectorKernels {
  @inline(never)
  package static func top(of row: UnsafePointer<Double>, _ count: Int) -> RowTop {
    rowTop(count) { part(row, $0, count) }
  }

  @inline(never)
  package static func top(of row: UnsafePointer<Float>, _ count: Int) -> RowTop {
    rowTop(count) { part(row, $0, count) }
  }
}

@inline(__always)
private func rowTop(_ count: Int, _ part: (Int) -> Doubles) -> RowTop {
  var largestOfLanes = Doubles(repeating: -.infinity)
  var (open, strange) = (Doubles(), Doubles())
  forEachVector(of: count) { index in
    let logits = part(index)
    largestOfLanes = larger(largestOfLanes, logits)
    open += Doubles().replacing(with: 1, where: logits .> -.infinity)
    strange += Doubles().replacing(with: 1, where: logits .!= logits)
  }
  return RowTop(largest: laneSum(strange) > 0 ? .nan : largest(largestOfLanes), open: Int(laneSum(open)))
}

// MARK: gaps

extension VectorKernels {
  @inline(never)
  package static func gaps(
    of row: UnsafePointer<Double>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  ) {
    writeGaps(count, below: top, scale: scale, to: gaps) { part(row, $0, count) }
  }

  @inline(never)
  package static func gaps(
    of row: UnsafePointer<Float>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  ) {
    writeGaps(count, below: top, scale: scale, to: gaps) { part(row, $0, count) }
  }
}

@inline(__always)
private func writeGaps(
  _ count: Int, below top: Double, scale: Double, to gaps: UnsafeMutablePointer<Double>,
  _ part: (Int) -> Doubles
) {
  var index = 0
  if scale == 1 {
    while index < count {
      store(part(index) - top, to: gaps + index)
      index += 8
    }
  } else {
    while index < count {
      store((part(index) - top) / scale, to: gaps + index)
      index += 8
    }
  }
}

// MARK: results

extension VectorKernels {
  @inline(never)
  package static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Double>
  ) {
    forEachVector(of: count) { index in
      put(part(numbers, index, count) * factor, to: result, index, count)
    }
  }

  @inline(never)
  package static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Float>
  ) {
    forEachVector(of: count) { index in
      put(part(numbers, index, count) * factor, to: result, index, count)
    }
  }
}
