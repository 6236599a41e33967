#if VARIANT
  import NoiseKernels
#endif

// F, 1 − F and f of classes with scales of their own, at the sixteen nodes of a panel.

private let inverseRootTwoPi = 0.3989422804014327

/// The lesser tail and f where both hang on one exponential, and which tail is the lesser one.
@_transparent
private func symmetric(_ lesser: Doubles, _ z: Doubles) -> (cumulative: Doubles, survival: Doubles) {
  let isLower = z .< 0
  let greater = 1 - lesser
  return (greater.replacing(with: lesser, where: isLower), lesser.replacing(with: greater, where: isLower))
}

@inline(__always)
private func normal(
  _ z: Doubles, _ coefficients: UnsafePointer<Double>
) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  // From 40 on all is 0.
  let magnitude = smaller(larger(z, Doubles() - z), Doubles(repeating: 40))
  let gaussian = wholeGaussian(magnitude)
  let (value, reciprocal) = scaledTail(magnitude, coefficients)
  let (cumulative, survival) = symmetric(gaussian * (value * reciprocal), z)
  return (cumulative, survival, gaussian * inverseRootTwoPi)
}

@_transparent
private func certainNormalDensity(_ z: Doubles) -> Doubles {
  wholeGaussian(smaller(z, Doubles(repeating: 40))) * inverseRootTwoPi
}

/// e^(−z²/2), with the digits that squaring loses.
@inline(__always)
private func wholeGaussian(_ z: Doubles) -> Doubles {
  let square = z * z
  let lost = multiplyAdd(z, z, Doubles() - square)
  let leading = exponential(-0.5 * square)
  return multiplyAdd(-0.5 * lost, leading, leading)
}

@inline(__always)
private func logistic(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  let t = exponential(smaller(z, Doubles() - z))
  let greater = Doubles(repeating: 1) / (1 + t)
  let (cumulative, survival) = symmetric(t * greater, z)
  return (cumulative, survival, t * greater * greater)
}

@_transparent
private func laplace(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  let half = 0.5 * exponential(smaller(z, Doubles() - z))
  let (cumulative, survival) = symmetric(half, z)
  return (cumulative, survival, half)
}

@_transparent
private func exponentialLaw(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  let isBelow = z .< 0
  let (survival, less) = fallingExponential(z.replacing(with: 0, where: isBelow))
  let cumulative = Doubles() - less
  return (cumulative, survival, survival.replacing(with: 0, where: isBelow))
}

@_transparent
private func uniform(_ z: Doubles) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  let (zero, one) = (Doubles(), Doubles(repeating: 1))
  return (
    smaller(larger(z, zero), one), smaller(larger(1 - z, zero), one),
    one.replacing(with: 0, where: z .< 0).replacing(with: 0, where: z .> 1)
  )
}

/// e^−t, 1 − e^−t and t·e^−t, t = e^x: of the Gumbel law at −x, of the reversed one at x.
@inline(__always)
private func doubleExponential(_ x: Doubles) -> (falling: Doubles, rising: Doubles, density: Doubles) {
  let t = exponential(smaller(x, Doubles(repeating: 7)))
  let falling = exponential(Doubles() - t)
  let rising = Doubles() - moderateExponentialMinusOne(Doubles() - smaller(t, Doubles(repeating: 700)))
  return (falling, rising, t * falling)
}

@_transparent
private func values(
  _ law: QuantileTable.Law, _ z: Doubles, _ coefficients: UnsafePointer<Double>
) -> (cumulative: Doubles, survival: Doubles, density: Doubles) {
  switch law {
  case .normal: return normal(z, coefficients)
  case .logistic: return logistic(z)
  case .laplace: return laplace(z)
  case .exponential: return exponentialLaw(z)
  case .uniform: return uniform(z)
  case .gumbel:
    let (falling, rising, density) = doubleExponential(Doubles() - z)
    return (falling, rising, density)
  case .reversedGumbel:
    let (falling, rising, density) = doubleExponential(z)
    return (rising, falling, density)
  }
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

/// What is evaluated where.
private struct Task {
  let coefficients: UnsafePointer<Double>
  let location, certain: Double
  let nodes, locations, scales: UnsafePointer<Double>
  let count: Int
  let z: UnsafeMutablePointer<Double>?
  let cumulative: UnsafeMutablePointer<Double>
  let survival: UnsafeMutablePointer<Double>?
  let density: UnsafeMutablePointer<Double>
}

@inline(__always)
private func run(_ law: QuantileTable.Law, _ task: Task) {
  // Not read again after every store.
  let (location, certain, count) = (task.location, task.certain, task.count)
  let (nodes, locations, scales) = (task.nodes, task.locations, task.scales)
  let (coefficients, z, cumulative) = (task.coefficients, task.z, task.cumulative)
  let (survival, density) = (task.survival, task.density)
  var index = 0
  while index < count {
    let (centre, scale) = (
      Doubles(repeating: locations[index]), Doubles(repeating: scales[index])
    )
    let inverse = 1 / scales[index]
    let reciprocal = Doubles(repeating: inverse < .infinity ? inverse : .greatestFiniteMagnitude)
    var node = 0
    while node < 16 {
      let distance = (load(nodes + node) - centre) + load(nodes + 16 + node)
      let point = quotient(distance, scale, reciprocal) - location
      let slot = 16 * index + node
      if let z { store(point, to: z + slot) }
      var isCertain = false
      // Nodes rise or fall: the others are between these two.
      if case .normal = law, survival == nil {
        isCertain = point[0] > certain && point[7] > certain
      }
      if isCertain {
        // Half the work.
        store(Doubles(repeating: 1), to: cumulative + slot)
        store(certainNormalDensity(point) * reciprocal, to: density + slot)
      } else {
        let found = values(law, point, coefficients)
        store(found.cumulative, to: cumulative + slot)
        if let survival { store(found.survival, to: survival + slot) }
        store(found.density * reciprocal, to: density + slot)
      }
      node += 8
    }
    index += 1
  }
}

// A loop for each law: in one for all of them the compiler calls what it should inline.

@inline(never)
private func runNormal(_ task: Task) { run(.normal, task) }
@inline(never)
private func runLogistic(_ task: Task) { run(.logistic, task) }
@inline(never)
private func runLaplace(_ task: Task) { run(.laplace, task) }
@inline(never)
private func runExponential(_ task: Task) { run(.exponential, task) }
@inline(never)
private func runUniform(_ task: Task) { run(.uniform, task) }
@inline(never)
private func runGumbel(_ task: Task) { run(.gumbel, task) }
@inline(never)
private func runReversedGumbel(_ task: Task) { run(.reversedGumbel, task) }

extension VectorKernels {
  package static func classValues(
    under law: QuantileTable.Law, scaledTail coefficients: UnsafePointer<Double>, location: Double,
    certain: Double, nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>,
    scales: UnsafePointer<Double>, count: Int, z: UnsafeMutablePointer<Double>?,
    cumulative: UnsafeMutablePointer<Double>, survival: UnsafeMutablePointer<Double>?,
    density: UnsafeMutablePointer<Double>
  ) {
    let task = Task(
      coefficients: coefficients, location: location, certain: certain, nodes: nodes, locations: locations,
      scales: scales, count: count, z: z, cumulative: cumulative, survival: survival, density: density)
    switch law {
    case .normal: runNormal(task)
    case .logistic: runLogistic(task)
    case .laplace: runLaplace(task)
    case .exponential: runExponential(task)
    case .uniform: runUniform(task)
    case .gumbel: runGumbel(task)
    case .reversedGumbel: runReversedGumbel(task)
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
