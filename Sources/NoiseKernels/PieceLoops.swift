#if VARIANT
  import NoiseKernels
#endif

// The loops of sums over far classes, from piece to piece of the logit axis.

/// Adds an even number of columns, each times a factor, to sixteen sums in two vectors, those of odd columns apart: two short
/// chains each.
@inline(__always)
private func addColumnPairs(
  _ matrix: UnsafePointer<Double>, _ count: Int, _ stride: Int, _ factors: UnsafePointer<Double>,
  _ low: inout Doubles, _ high: inout Doubles, _ oddLow: inout Doubles, _ oddHigh: inout Doubles
) {
  var (column, start) = (0, matrix)
  while column < count {
    let (even, odd) = (factors[column], factors[column + 1])
    low = multiplyAdd(even, load(start), low)
    high = multiplyAdd(even, load(start + 8), high)
    start += stride
    oddLow = multiplyAdd(odd, load(start), oddLow)
    oddHigh = multiplyAdd(odd, load(start + 8), oddHigh)
    start += stride
    column += 2
  }
}

extension VectorKernels {
  @inline(never)
  package static func addMoments(
    of weights: UnsafePointer<Double>, at x: UnsafePointer<Double>, _ count: Int, from low: Double,
    to high: Double, to vectors: UnsafeMutablePointer<Double>
  ) {
    let perUnit = 1 / (high - low)
    forEachVector(of: count) { index in
      let x = load(x + index)
      let t = ((x - low) - (high - x)) * perUnit
      let twice = t + t
      // Weight·T_k for two orders at a time.
      var even = load(weights + index)
      var odd = even * t
      var k = 0
      while k < 16 {
        let sums = vectors + 8 * k
        store(load(sums) + even, to: sums)
        store(load(sums + 8) + odd, to: sums + 8)
        even = twice * odd - even
        odd = twice * even - odd
        k += 2
      }
    }
  }

  @inline(never)
  package static func addColumns(
    of matrix: UnsafePointer<Double>, _ count: Int, stride: Int, times factors: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>
  ) {
    var (low, high, oddLow, oddHigh) = (load(sums), load(sums + 8), Doubles(), Doubles())
    addColumnPairs(matrix, count, stride, factors, &low, &high, &oddLow, &oddHigh)
    store(low + oddLow, to: sums)
    store(high + oddHigh, to: sums + 8)
  }

  @inline(never)
  package static func addMatrices(
    _ matrices: UnsafePointer<Double>, columns: UnsafePointer<Int>, from first: Int,
    times moments: UnsafePointer<Double>, of pieces: UnsafePointer<Int>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    var (low, high, oddLow, oddHigh) = (load(sums), load(sums + 8), Doubles(), Doubles())
    var index = 0
    while index < count {
      let number = pieces[index] - first
      addColumnPairs(
        matrices + 256 * number, columns[number], 16, moments + 16 * index, &low, &high, &oddLow, &oddHigh)
      index += 1
    }
    store(low + oddLow, to: sums)
    store(high + oddHigh, to: sums + 8)
  }

  @inline(never)
  package static func polynomial(
    _ coefficients: UnsafePointer<Double>, _ terms: Int, from low: Double, to high: Double,
    at x: UnsafePointer<Double>, _ count: Int, values: UnsafeMutablePointer<Double>
  ) {
    let perUnit = 1 / (high - low)
    forEachVector(of: count) { index in
      let x = load(x + index)
      store(chebyshev(coefficients, terms, ((x - low) - (high - x)) * perUnit), to: values + index)
    }
  }

  @inline(never)
  package static func values(
    at x: UnsafePointer<Double>, _ count: Int, gap: Double, intervals: SampledIntervals,
    values: UnsafeMutablePointer<Double>
  ) -> Bool {
    var nothing = Doubles()
    forEachVector(of: count) { index in
      let position = (load(x + index) - gap) * intervals.perUnit - intervals.first
      let interval = floor(position)
      let t = 2 * (position - interval) - 1
      let numbers = integers(interval)
      @inline(__always) func row(_ lane: Int) -> UnsafePointer<Double> {
        intervals.coefficients + 8 * Int(numbers[lane])
      }
      let c = transposed(row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7))
      let square = t * t
      let even = multiplyAdd(square, multiplyAdd(square, multiplyAdd(square, c.6, c.4), c.2), c.0)
      let odd = multiplyAdd(square, multiplyAdd(square, multiplyAdd(square, c.7, c.5), c.3), c.1)
      let value = multiplyAdd(t, odd, even)
      store(value, to: values + index)
      // NaN from infinite ones on.
      nothing = multiplyAdd(0, value, nothing)
    }
    return laneSum(nothing) == 0
  }
}
