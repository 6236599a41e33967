#if VARIANT
  import NoiseKernels
#endif

// The loops of the quantile rule under laws with kinks, over classes at eight nodes of a stretch and over nodes of a class.

/// a and t in F = a + t·slope at some of the Chebyshev nodes of a stretch.
@inline(__always)
private func form(_ stretch: QuantileStretch, _ nodes: Doubles) -> (a: Doubles, t: Doubles) {
  let x = multiplyAdd(stretch.half, nodes, Doubles(repeating: stretch.middle - stretch.origin))
  let one = Doubles(repeating: 1)
  switch stretch.form {
  case .uniform: return (x, one)
  case .exponential:
    return (Doubles() - moderateExponentialMinusOne(Doubles() - x), moderateExponential(Doubles() - x))
  case .laplace: return (one, moderateExponential(Doubles() - x))
  }
}

/// ∏ F as mantissa · 2^exponent.
@inline(__always)
private func product(
  _ a: Doubles, _ t: Doubles, _ slopes: UnsafePointer<Double>, _ count: Int
) -> (mantissa: Doubles, exponent: Words) {
  var (product, exponent) = (Doubles(repeating: 1), Words())
  @inline(__always) func factor(_ k: Int) -> Doubles { multiplyAdd(slopes[k], t, a) }
  var k = 0
  while k + 4 <= count {
    // Factors are above 2⁻¹²⁰, and so four of them a normal number.
    let four = splitExponent((factor(k) * factor(k + 1)) * (factor(k + 2) * factor(k + 3)))
    let next = splitExponent(product * four.mantissa)
    product = next.mantissa
    exponent = exponent &+ four.exponent &+ next.exponent
    k += 4
  }
  while k < count {
    let next = splitExponent(product * factor(k))
    product = next.mantissa
    exponent = exponent &+ next.exponent
    k += 1
  }
  return (product, exponent)
}

/// Σ ties·log F.
@inline(__always)
private func tiedLogarithms(
  _ a: Doubles, _ t: Doubles, _ slopes: UnsafePointer<Double>, _ ties: UnsafePointer<Double>, _ count: Int
) -> Doubles {
  var (sum, exponents) = (Doubles(), Doubles())
  for k in 0..<count {
    let (exponent, logarithm) = splitLogarithm(multiplyAdd(slopes[k], t, a))
    sum = multiplyAdd(ties[k], logarithm, sum)
    exponents = multiplyAdd(ties[k], exponent, exponents)
  }
  return multiplyAdd(ln2, exponents, sum)
}

/// The Chebyshev sum of a polynomial at τ by Clenshaw's recurrence, of even and odd terms apart: two short chains.
///
/// With y = 2τ² − 1 both T_0, T_2, … and T_1, T_3, … go on as T_(k+2) = 2y·T_k − T_(k−2).
@inline(__always)
func chebyshev(_ coefficients: UnsafePointer<Double>, _ terms: Int, _ tau: Doubles) -> Doubles {
  let y = multiplyAdd(tau + tau, tau, Doubles(repeating: -1))
  let twice = y + y
  var (even, evenBefore, odd, oddBefore) = (Doubles(), Doubles(), Doubles(), Doubles())
  var k = terms - 2
  while k > 0 {
    let (nextEven, nextOdd) = (
      multiplyAdd(twice, even, coefficients[k] - evenBefore),
      multiplyAdd(twice, odd, coefficients[k + 1] - oddBefore)
    )
    (even, evenBefore, odd, oddBefore) = (nextEven, even, nextOdd, odd)
    k -= 2
  }
  let evenSum = multiplyAdd(y, even, coefficients[0] - evenBefore)
  return multiplyAdd(tau, multiplyAdd(twice - 1, odd, coefficients[1] - oddBefore), evenSum)
}

/// The highest node that is below the lowest place, or else the last one minus eight.
@inline(__always)
private func next(_ nodes: UnsafePointer<Double>, below last: Int, _ lowest: Double) -> Int {
  var node = last - 8
  while node < last && nodes[node + 1] < lowest { node += 1 }
  return node
}

extension VectorKernels {
  @inline(never)
  package static func layStretch(
    _ stretch: QuantileStretch, slopes: UnsafePointer<Double>, ties: UnsafePointer<Double>?, _ count: Int,
    basis: UnsafePointer<Double>, to coefficients: UnsafeMutablePointer<Double>
  ) {
    var (low, high) = (Doubles(), Doubles())
    var reference = 0.0
    var first = 0
    while first < stretch.terms {
      let (a, t) = form(stretch, load(basis + first))
      var logarithms: Doubles
      if let ties {
        logarithms = tiedLogarithms(a, t, slopes, ties, count)
        if first == 0 { reference = logarithms[0] }
        logarithms = logarithms - reference
      } else {
        // Relative to one node: the roundings of sums in hundreds would hide how they change.
        let (mantissa, exponent) = product(a, t, slopes, count)
        let (own, logarithm) = splitLogarithm(mantissa)
        let exponents = doubles(whole: exponent) + own
        if first == 0 { reference = exponents[0] }
        logarithms = multiplyAdd(ln2, exponents - reference, logarithm)
      }
      for lane in 0..<8 {
        let row = basis + 16 + 16 * (first + lane)
        low = multiplyAdd(logarithms[lane], load(row), low)
        high = multiplyAdd(logarithms[lane], load(row + 8), high)
      }
      first += 8
    }
    store(low, to: coefficients)
    store(high, to: coefficients + 8)
    coefficients[0] += ties == nil ? reference * ln2 : reference
  }

  @inline(never)
  package static func addStretch(
    _ stretch: QuantileStretch, coefficients: UnsafePointer<Double>, offset: Double,
    nodes: UnsafePointer<Double>, last: Int, less subtrahends: UnsafePointer<Double>,
    top: UnsafePointer<Double>, margin: Double, to values: UnsafeMutablePointer<Double>
  ) -> Int {
    let shift = offset - stretch.middle
    let (scale, lowest) = (1 / stretch.half, 0 - stretch.half - shift)
    var node = last
    while node >= 0 && nodes[node] >= lowest {
      let start = node - 7
      let tau = (load(nodes + start) + shift) * scale
      let value = chebyshev(coefficients, stretch.terms, tau) - load(subtrahends + start)
      store(value.replacing(with: -.infinity, where: load(nodes + start) .< lowest), to: values + start)
      if nodes[start] >= lowest && value[0] < top[0] - margin { return -1 }
      node = next(nodes, below: node, lowest)
    }
    return node
  }

  @inline(never)
  package static func addMoments(
    of weights: UnsafePointer<Double>, on stretch: QuantileStretch, slopes: UnsafePointer<Double>,
    factor: Double, offset: Double, nodes: UnsafePointer<Double>, last: Int,
    to moments: UnsafeMutablePointer<Double>
  ) -> (sum: Double, next: Int) {
    let shift = offset - stretch.middle
    let (scale, lowest) = (1 / stretch.half, 0 - stretch.half - shift)
    var total = Doubles()
    var node = last
    let lanes = Doubles(0, 1, 2, 3, 4, 5, 6, 7)
    while node >= 0 && nodes[node] >= lowest {
      let start = node - 7
      let x = load(nodes + start) + shift
      let isOutside = (load(nodes + start) .< lowest) .| (lanes .< Double(0 - start))
      let tau = (x * scale).replacing(with: 0, where: isOutside)
      let weight = load(weights + start).replacing(with: 0, where: isOutside)
      total = multiplyAdd(weight, chebyshev(slopes, stretch.terms, tau), total)
      let term = weight * factor
      let (twice, tied) = (tau + tau, term * tau)
      store(load(moments) + term, to: moments)
      store(load(moments + 8) + tied, to: moments + 8)
      var (before, now) = (term, tied)
      var k = 2
      while k < stretch.terms {
        let after = multiplyAdd(twice, now, Doubles() - before)
        store(load(moments + 8 * k) + after, to: moments + 8 * k)
        (before, now) = (now, after)
        k += 1
      }
      node = next(nodes, below: node, lowest)
    }
    return (laneSum(total), node)
  }

  @inline(never)
  package static func addStretchReversedHazards(
    of weights: UnsafePointer<Double>, on stretch: QuantileStretch, slopes: UnsafePointer<Double>,
    tails: UnsafePointer<Double>, _ count: Int, basis: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>
  ) {
    var first = 0
    while first < stretch.terms {
      let (a, t) = form(stretch, load(basis + first))
      let weight = load(weights + first) * t
      for k in 0..<count {
        sums[k] += tails[k] * laneSum(weight / multiplyAdd(slopes[k], t, a))
      }
      first += 8
    }
  }
}
