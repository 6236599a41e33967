#if VARIANT
  import NoiseKernels
#endif

// F, 1 − F and f of classes with scales of their own, at the sixteen nodes of a panel.

private let inverseRootTwoPi = 0.3989422804014327

/// (|x| + 4)·(1 − Φ(|x|))·e^(x²/2), and 1/(|x| + 4).
@_transparent
func scaledTail(
  _ magnitude: Doubles, _ coefficients: UnsafePointer<Double>
) -> (value: Doubles, reciprocal: Doubles) {
  let reciprocal = Doubles(repeating: 1) / (magnitude + 4)
  let v = (magnitude - 4) * reciprocal
  let s = v * v
  // Written out: what has loops is not inlined.
  var even = multiplyAdd(Doubles(repeating: coefficients[26]), s, Doubles(repeating: coefficients[24]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[22]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[20]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[18]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[16]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[14]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[12]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[10]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[8]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[6]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[4]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[2]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[0]))
  var odd = multiplyAdd(Doubles(repeating: coefficients[27]), s, Doubles(repeating: coefficients[25]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[23]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[21]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[19]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[17]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[15]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[13]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[11]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[9]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[7]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[5]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[3]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[1]))
  return (multiplyAdd(odd, v, even), reciprocal)
}

/// F and 1 − F from the lesser of them.
@_transparent
private func symmetric(_ lesser: Doubles, _ z: Doubles) -> (cumulative: Doubles, survival: Doubles) {
  let isLower = z .< 0
  let greater = 1 - lesser
  return (greater.replacing(with: lesser, where: isLower), lesser.replacing(with: greater, where: isLower))
}

/// e^(−z²/2), with the digits that squaring loses, by an exponential for such z.
@_transparent
private func gaussian(_ z: Doubles, _ exponential: (Doubles) -> Doubles) -> Doubles {
  let square = z * z
  let lost = multiplyAdd(z, z, Doubles() - square)
  let leading = exponential(-0.5 * square)
  return multiplyAdd(-0.5 * lost, leading, leading)
}

/// Whether all of eight points that rise or fall are between two.
@_transparent
private func areWithin(_ z: Doubles, _ lowest: Double, _ highest: Double) -> Bool {
  z[0] >= lowest && z[7] >= lowest && z[0] <= highest && z[7] <= highest
}

/// e^−|z|, at points that rise or fall.
@_transparent
private func lesserExponential(_ z: Doubles) -> Doubles {
  let falling = smaller(z, Doubles() - z)
  return areWithin(z, -700, 700) ? moderateExponential(falling) : exponential(falling)
}

/// e^−t, 1 − e^−t and t·e^−t, t = e^x, at points that rise or fall: F, 1 − F and f of the Gumbel law at −x, of the reversed one
/// 1 − F, F and f at x.
@_transparent
private func fallingPower(_ x: Doubles) -> (value: Doubles, lack: Doubles, density: Doubles) {
  // From 6.62 on t is above 749, and e^−t is 0.
  if areWithin(x, 6.62, .infinity) { return (Doubles(), Doubles(repeating: 1), Doubles()) }
  let isModerate = areWithin(x, -700, 6.55)
  let t = isModerate ? moderateExponential(x) : exponential(smaller(x, Doubles(repeating: 7)))
  let (value, less) = isModerate ? moderateExponentials(Doubles() - t) : fallingExponential(t)
  return (value, Doubles() - less, t * value)
}

/// a/b by the reciprocal of b, with the quotient's digits: divisions would take a third of the time.
@_transparent
private func quotient(_ a: Doubles, _ b: Doubles, _ reciprocal: Doubles) -> Doubles {
  #if FUSED || arch(arm64)
    let rounded = a * reciprocal
    let corrected = multiplyAdd(multiplyAdd(Doubles() - rounded, b, a), reciprocal, rounded)
    // Infinite ones stay so.
    return corrected.replacing(with: rounded, where: corrected .!= corrected)
  #else
    return a / b
  #endif
}

/// Writes the values of a law, given F, 1 − F and f at eight points. Those that nobody wants may be anything.
@_transparent
private func fill(
  _ points: ClassPoints, _ values: ClassValues,
  _ law: (_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles)
) {
  let (lowest, highest) = (Doubles(repeating: -1e300), Doubles(repeating: 1e300))
  var index = 0
  while index < points.count {
    let centre = Doubles(repeating: points.locations[index])
    var (scale, reciprocal) = (Doubles(repeating: 1), Doubles(repeating: 1))
    if let scales = points.scales {
      let inverse = 1 / scales[index]
      scale = Doubles(repeating: scales[index])
      reciprocal = Doubles(repeating: inverse < .infinity ? inverse : .greatestFiniteMagnitude)
    }
    var node = 0
    while node < 16 {
      let distance = (load(points.nodes + node) - centre) + load(points.nodes + 16 + node)
      let point = (points.scales == nil ? distance : quotient(distance, scale, reciprocal)) - points.location
      let slot = 16 * index + node
      let (cumulative, survival, density) = law(point)
      // Infinite ones have a density of 0, and products with it.
      if let z = values.z { store(smaller(larger(point, lowest), highest), to: z + slot) }
      store(cumulative, to: values.cumulative + slot)
      if let survivals = values.survival { store(survival, to: survivals + slot) }
      if let densities = values.density { store(density * reciprocal, to: densities + slot) }
      node += 8
    }
    index += 1
  }
}

// Every law has a function of its own: in one with all of them the compiler would not inline them.

/// What ``scaledTail(_:_:)`` is for |x| ≤ 8.75, in two thirds of the terms.
@_transparent
private func nearTail(_ magnitude: Doubles) -> (value: Doubles, reciprocal: Doubles) {
  let reciprocal = Doubles(repeating: 1) / (magnitude + 4)
  let v = (magnitude - 4) * reciprocal
  let s = v * v
  var even = multiplyAdd(
    Doubles(repeating: 0x1.1b3ad6c3813a5p-21), s, Doubles(repeating: -0x1.69eb620bd55c6p-21))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.790f116a85296p-21))
  even = multiplyAdd(even, s, Doubles(repeating: -0x1.ff089a5dd5524p-20))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.17a46f704b8a6p-13))
  even = multiplyAdd(even, s, Doubles(repeating: -0x1.c81719a8465f5p-9))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.eec4cc3e40216p-5))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.8c6dbf2cfc2cep-2))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.82b4bb8c94dcep-1))
  var odd = multiplyAdd(
    Doubles(repeating: 0x1.502b812827694p-24), s, Doubles(repeating: 0x1.2e462adfb1b60p-20))
  odd = multiplyAdd(odd, s, Doubles(repeating: -0x1.91779647e9f1fp-18))
  odd = multiplyAdd(odd, s, Doubles(repeating: 0x1.26e2d4e6a0b94p-15))
  odd = multiplyAdd(odd, s, Doubles(repeating: -0x1.e4a43ff0db55cp-13))
  odd = multiplyAdd(odd, s, Doubles(repeating: 0x1.ab825f1d68156p-10))
  odd = multiplyAdd(odd, s, Doubles(repeating: -0x1.ee276101afa94p-8))
  odd = multiplyAdd(odd, s, Doubles(repeating: -0x1.7dff2bff68a47p-3))
  odd = multiplyAdd(odd, s, Doubles(repeating: -0x1.373e3a893c289p-1))
  return (multiplyAdd(odd, v, even), reciprocal)
}

@inline(never)
private func normalValues(_ points: ClassPoints, _ values: ClassValues) {
  // The end of the near tail; above it 1 − F is nothing beside F, if nobody wants it.
  let near = 8.75
  let highest = values.survival == nil ? 37 : near
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let isCertain = values.survival == nil && z[0] > points.certain && z[7] > points.certain
    if !isCertain && areWithin(z, -near, highest) {
      let leading = gaussian(z, moderateExponential)
      let (value, reciprocal) = nearTail(smaller(larger(z, Doubles() - z), Doubles(repeating: near)))
      let (cumulative, survival) = symmetric(leading * (value * reciprocal), z)
      return (cumulative, survival, leading * inverseRootTwoPi)
    }
    // From 40 on all is 0.
    let magnitude = smaller(larger(z, Doubles() - z), Doubles(repeating: 40))
    let leading = gaussian(magnitude) { exponential($0) }
    let density = leading * inverseRootTwoPi
    // Half the work.
    if isCertain { return (Doubles(repeating: 1), Doubles(), density) }
    let (value, reciprocal) = scaledTail(magnitude, points.scaledTail)
    let (cumulative, survival) = symmetric(leading * (value * reciprocal), z)
    return (cumulative, survival, density)
  }
  fill(points, values, law)
}

@inline(never)
private func logisticValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let t = lesserExponential(z)
    let greater = Doubles(repeating: 1) / (1 + t)
    let (cumulative, survival) = symmetric(t * greater, z)
    return (cumulative, survival, t * greater * greater)
  }
  fill(points, values, law)
}

@inline(never)
private func laplaceValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let half = 0.5 * lesserExponential(z)
    let (cumulative, survival) = symmetric(half, z)
    return (cumulative, survival, half)
  }
  fill(points, values, law)
}

@inline(never)
private func exponentialValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let isBelow = z .< 0
    let distance = z.replacing(with: 0, where: isBelow)
    // Beside the jumps of several classes points are in no order: what is beyond is nothing there.
    let (survival, less) =
      areWithin(z, -.infinity, 700)
      ? moderateExponentials(Doubles() - smaller(distance, Doubles(repeating: 700)))
      : fallingExponential(distance)
    return (Doubles() - less, survival, survival.replacing(with: 0, where: isBelow))
  }
  fill(points, values, law)
}

@inline(never)
private func uniformValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let (zero, one) = (Doubles(), Doubles(repeating: 1))
    return (
      smaller(larger(z, zero), one), smaller(larger(1 - z, zero), one),
      one.replacing(with: 0, where: z .< 0).replacing(with: 0, where: z .> 1)
    )
  }
  fill(points, values, law)
}

@inline(never)
private func gumbelValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let (cumulative, survival, density) = fallingPower(Doubles() - z)
    return (cumulative, survival, density)
  }
  fill(points, values, law)
}

@inline(never)
private func reversedGumbelValues(_ points: ClassPoints, _ values: ClassValues) {
  @inline(__always)
  func law(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
    let (survival, cumulative, density) = fallingPower(z)
    return (cumulative, survival, density)
  }
  fill(points, values, law)
}

extension VectorKernels {
  @inline(never)
  package static func classValues(
    under law: VectorLaw, at points: ClassPoints, to values: ClassValues
  ) {
    switch law {
    case .normal: normalValues(points, values)
    case .logistic: logisticValues(points, values)
    case .laplace: laplaceValues(points, values)
    case .exponential: exponentialValues(points, values)
    case .uniform: uniformValues(points, values)
    case .gumbel: gumbelValues(points, values)
    case .reversedGumbel: reversedGumbelValues(points, values)
    }
  }

  @inline(never)
  package static func bend(
    _ points: UnsafePointer<Double>, to values: UnsafeMutablePointer<Double>,
    slopes: UnsafeMutablePointer<Double>
  ) {
    var node = 0
    while node < 16 {
      let u = larger(load(points + node), Doubles(repeating: -6))
      let steep = exponential(Doubles() - u)
      let q = u - steep
      let isLower = q .< 0
      let lesser = exponential(q.replacing(with: Doubles() - q, where: q .> 0))
      let whole = 1 + lesser
      let (exponent, logarithm) = splitLogarithm(whole)
      let added = multiplyAdd(exponent, Doubles(repeating: ln2High), logarithm)
      store(
        q.replacing(with: 0, where: isLower) + multiplyAdd(exponent, Doubles(repeating: ln2Low), added),
        to: values + node)
      let share = Doubles(repeating: 1).replacing(with: lesser, where: isLower) / whole
      store((1 + steep) * share, to: slopes + node)
      node += 8
    }
  }
}
