#if VARIANT
  import NoiseKernels
#endif

// log F and r = f/F of classes with scales of their own, at the sixteen nodes of a panel, also where F underflows.

private let logTwo = 0.6931471805599453
private let logRootTwoPi = 0.9189385332046727
private let inverseRootTwoPi = 0.3989422804014327

/// Below this a number is 0, above its reciprocal it is infinite: so that no product is NaN.
private let infinite = 0x1p1000

/// log x, −∞ for 0.
@inline(__always)
private func logarithm(_ x: Doubles) -> Doubles {
  let (exponent, rest) = splitLogarithm(larger(x, Doubles(repeating: 0x1p-1022)))
  let value = multiplyAdd(ln2High, exponent, multiplyAdd(ln2Low, exponent, rest))
  return value.replacing(with: -.infinity, where: x .<= 0)
}

/// e^x, above e^−690: arithmetic with less is slow.
@inline(__always)
private func power(_ x: Doubles) -> Doubles { exponential(larger(x, Doubles(repeating: -690))) }

@_transparent
private func magnitude(_ x: Doubles) -> Doubles { larger(x, Doubles() - x) }

/// e^(−z²/2), and the lesser tail of the normal law over it.
@inline(__always)
private func normalTail(
  _ size: Doubles, _ coefficients: UnsafePointer<Double>
) -> (gaussian: Doubles, tail: Doubles) {
  let (value, reciprocal) = scaledTail(size, coefficients)
  let within = smaller(size, Doubles(repeating: 37))
  let square = within * within
  // With the digits that squaring loses.
  let lost = multiplyAdd(within, within, Doubles() - square)
  let leading = moderateExponential(-0.5 * square)
  return (multiplyAdd(-0.5 * lost, leading, leading), value * reciprocal)
}

@inline(__always)
private func normalLogarithms(
  _ z: Doubles, _ coefficients: UnsafePointer<Double>
) -> (cumulative: Doubles, reversedHazard: Doubles) {
  let size = magnitude(z)
  let (gaussian, tail) = normalTail(size, coefficients)
  let (zero, isLower) = (Doubles(), z .< 0)
  let logM = logarithm((1 - gaussian * tail).replacing(with: tail, where: isLower))
  let half = 0.5 * size * size
  // Below 0 the exponential is in f and in F.
  return (
    logM - zero.replacing(with: half, where: isLower),
    (zero - half).replacing(with: 0, where: isLower) - logM - logRootTwoPi
  )
}

@inline(__always)
private func normalReversedHazard(_ z: Doubles, _ coefficients: UnsafePointer<Double>) -> Doubles {
  let size = magnitude(z)
  let (gaussian, tail) = normalTail(size, coefficients)
  let isLower = z .< 0
  let numerator = gaussian.replacing(with: 1, where: isLower).replacing(with: 0, where: z .> 37)
  return inverseRootTwoPi * numerator / (1 - gaussian * tail).replacing(with: tail, where: isLower)
}

/// t = e^z, and log F without z where t is less than 1.
@inline(__always)
private func reversedGumbel(_ z: Doubles) -> (t: Doubles, rest: Doubles) {
  let t = power(z)
  let cumulative = Doubles() - moderateExponentialMinusOne(Doubles() - smaller(t, Doubles(repeating: 700)))
  return (t, logarithm(cumulative.replacing(with: cumulative / t, where: t .< 1)))
}

/// log F and log r.
@_transparent
private func classLogarithms(
  _ law: VectorLaw, _ z: Doubles, _ coefficients: UnsafePointer<Double>
) -> (cumulative: Doubles, reversedHazard: Doubles) {
  let zero = Doubles()
  let isLower = z .< 0
  switch law {
  case .normal: return normalLogarithms(z, coefficients)
  case .logistic:
    let rest = logarithm(1 + power(zero - magnitude(z)))
    let negative = zero.replacing(with: z, where: isLower)
    return (negative - rest, (negative - z) - rest)
  case .laplace:
    let tail = 0.5 * power(zero - magnitude(z))
    let logM = logarithm(1 - tail)
    return (
      logM.replacing(with: z - logTwo, where: isLower),
      (zero - z - logTwo - logM).replacing(with: 0, where: isLower)
    )
  case .exponential:
    let within = smaller(larger(z, zero), Doubles(repeating: 700))
    let logM = logarithm(zero - moderateExponentialMinusOne(zero - within))
    return (logM, (zero - z - logM).replacing(with: -.infinity, where: z .<= 0))
  case .uniform:
    let logM = logarithm(smaller(larger(z, zero), Doubles(repeating: 1)))
    return (
      logM,
      (zero - logM).replacing(with: -.infinity, where: z .<= 0).replacing(with: -.infinity, where: z .> 1)
    )
  case .gumbel: return (zero - power(zero - z), zero - z)
  case .reversedGumbel:
    let (t, rest) = reversedGumbel(z)
    return (
      rest.replacing(with: z + rest, where: t .< 1),
      (z - t - rest).replacing(with: zero - t - rest, where: t .< 1)
    )
  }
}

/// f/F.
@_transparent
private func reversedHazard(
  _ law: VectorLaw, _ z: Doubles, _ coefficients: UnsafePointer<Double>
) -> Doubles {
  let (zero, one) = (Doubles(), Doubles(repeating: 1))
  switch law {
  case .normal: return normalReversedHazard(z, coefficients)
  case .logistic: return one / (1 + power(z))
  case .laplace:
    let tail = power(zero - magnitude(z))
    return (tail / (2 - tail)).replacing(with: 1, where: z .< 0)
  case .exponential:
    let within = smaller(larger(z, zero), Doubles(repeating: 700))
    return (one / moderateExponentialMinusOne(within)).replacing(with: 0, where: z .<= 0)
  case .uniform: return (one / z).replacing(with: 0, where: (z .<= 0) .| (z .> 1))
  case .gumbel: return power(zero - z)
  case .reversedGumbel:
    let t = power(z)
    let r = t / moderateExponentialMinusOne(smaller(t, Doubles(repeating: 700)))
    return r.replacing(with: 0, where: t .> 700)
  }
}

/// (x − μ)/s − location at eight nodes, within what has products.
@_transparent
private func offset(
  _ nodes: UnsafePointer<Double>, _ node: Int, _ centre: Double, _ scale: Double, _ location: Double
) -> Doubles {
  let distance = (load(nodes + node) - Doubles(repeating: centre)) + load(nodes + 16 + node)
  let z = distance / Doubles(repeating: scale) - location
  return larger(smaller(z, Doubles(repeating: infinite)), Doubles(repeating: -infinite))
}

extension VectorKernels {
  @inline(never)
  package static func sumLogCumulatives(
    under law: VectorLaw, scaledTail coefficients: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>, count: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    var (lower, upper) = (Doubles(), Doubles())
    var index = 0
    while index < count {
      let (centre, scale) = (locations[index], scales[index])
      lower += classLogarithms(law, offset(nodes, 0, centre, scale, location), coefficients).cumulative
      upper += classLogarithms(law, offset(nodes, 8, centre, scale, location), coefficients).cumulative
      index += 1
    }
    store(lower, to: sums)
    store(upper, to: sums + 8)
  }

  @inline(never)
  package static func logReversedHazards(
    under law: VectorLaw, scaledTail coefficients: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, centre: Double, scale: Double, to values: UnsafeMutablePointer<Double>
  ) {
    var node = 0
    while node < 16 {
      let z = offset(nodes, node, centre, scale, location)
      store(classLogarithms(law, z, coefficients).reversedHazard, to: values + node)
      node += 8
    }
  }

  @inline(never)
  package static func reversedHazards(
    under law: VectorLaw, scaledTail coefficients: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>, count: Int,
    z: UnsafeMutablePointer<Double>, to values: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      let (centre, scale) = (locations[index], scales[index])
      var node = 0
      while node < 16 {
        let point = offset(nodes, node, centre, scale, location)
        let r = reversedHazard(law, point, coefficients) / Doubles(repeating: scale)
        store(point, to: z + 16 * index + node)
        store(smaller(r, Doubles(repeating: infinite)), to: values + 16 * index + node)
        node += 8
      }
      index += 1
    }
  }
}
