#if VARIANT
  import NoiseKernels
#endif

// Products of F at differences of gaps plus every node of the quantile rule, eight nodes at a time. Every law has a function
// of its own: one with all of them would be too large for the compiler to inline their factors.

extension VectorKernels {
  @inline(never)
  package static func multiplyCumulatives(
    at differences: QuantileDifferences, _ table: QuantileTable,
    mantissas: UnsafeMutablePointer<Double>, exponents: UnsafeMutablePointer<Double>
  ) {
    switch table.law {
    case .uniform: uniformProducts(differences, table, mantissas, exponents)
    case .exponential: exponentialProducts(differences, table, mantissas, exponents)
    case .laplace: laplaceProducts(differences, table, mantissas, exponents)
    case .logistic: logisticProducts(differences, table, mantissas, exponents)
    case .normal: normalProducts(differences, table, mantissas, exponents)
    case .reversedGumbel: reversedGumbelProducts(differences, table, mantissas, exponents)
    case .gumbel: break
    }
  }

  @inline(never)
  package static func addLogarithmsOfGumbel(
    at differences: QuantileDifferences, _ table: QuantileTable, to logarithms: UnsafeMutablePointer<Double>
  ) {
    var node = 0
    while node < table.nodes {
      var sum = Doubles()
      var index = 0
      while index < differences.count {
        sum += exponential(Doubles() - (load(table.values + node) + differences.values[index]))
        index += 1
      }
      store(load(logarithms + node) - sum, to: logarithms + node)
      node += 8
    }
  }

  @inline(never)
  package static func splitExponents(
    of mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    var index = 0
    while index < count {
      let (mantissa, exponent) = splitExponent(load(mantissas + index))
      store(mantissa, to: mantissas + index)
      store(load(exponents + index) + doubles(whole: exponent), to: exponents + index)
      index += 8
    }
  }

  @inline(never)
  package static func settleTerms(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>,
    logarithms: UnsafePointer<Double>?, _ count: Int
  ) -> (sum: Double, exponent: Double) {
    let nothing = -Double.infinity
    var top = Doubles(repeating: nothing)
    var index = 0
    while index < count {
      var mantissa = firstLanes(count - index, of: load(mantissas + index))
      var exponent = load(exponents + index)
      if let logarithms {
        let logarithm = load(logarithms + index)
        let (power, rest) = splitPower(logarithm)
        mantissa = (mantissa * rest).replacing(with: 0, where: logarithm .== nothing)
        exponent += power
      }
      exponent = exponent.replacing(with: nothing, where: mantissa .== 0)
      store(mantissa, to: mantissas + index)
      store(exponent, to: exponents + index)
      top = larger(top, exponent)
      index += 8
    }
    let exponent = largest(top)
    var total = (high: 0.0, low: 0.0)
    index = 0
    while index < count {
      // Relative to the largest one, what is below 2⁻¹⁰⁰⁰ is nothing.
      let depth = load(exponents + index) - exponent
      let power = powerOfTwo(larger(depth, Doubles(repeating: -1000)))
      let term = (load(mantissas + index) * power).replacing(with: 0, where: .!(depth .> -1000))
      store(term, to: mantissas + index)
      add(laneSum(term), to: &total)
      index += 8
    }
    return (total.high + total.low, exponent)
  }
}

@inline(never)
private func uniformProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    smaller(larger(load(table.values + node) + differences.values[index], Doubles()), Doubles(repeating: 1))
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
}

@inline(never)
private func exponentialProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    let x = smaller(
      larger(load(table.values + node) + differences.values[index], Doubles()),
      Doubles(repeating: largestExponent))
    return Doubles() - moderateExponentialMinusOne(Doubles() - x)
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
}

@inline(never)
private func laplaceProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    let lower = (0.5 * differences.rising[index]) * load(table.rising + node)
    let upper = 1 - (0.5 * differences.falling[index]) * load(table.falling + node)
    return upper.replacing(with: lower, where: lower .< 0.5)
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
}

@inline(never)
private func logisticProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    multiplyAdd(differences.falling[index], load(table.falling + node), Doubles(repeating: 1))
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
  // The factors are 1/F.
  invert(mantissas, exponents, table.nodes)
}

@inline(never)
private func normalProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    normal(load(table.values + node) + differences.values[index], table.scaledTail)
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
}

@inline(never)
private func reversedGumbelProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func factor(_ index: Int, _ node: Int) -> Doubles {
    let t = smaller(
      differences.rising[index] * load(table.rising + node), Doubles(repeating: largestExponent))
    return Doubles() - moderateExponentialMinusOne(Doubles() - t)
  }
  multiplyProducts(differences, table, mantissas, exponents, factor)
}

/// Multiplies the products of every node by factors, which are 0 or within 2^±250.
@_transparent
private func multiplyProducts(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ mantissas: UnsafeMutablePointer<Double>,
  _ exponents: UnsafeMutablePointer<Double>, _ factor: (_ difference: Int, _ node: Int) -> Doubles
) {
  var count = differences.count
  var node = 0
  while node < table.nodes {
    // The differences ascend, and so do the nodes.
    while count > 0, differences.values[count - 1] + table.values[node] >= table.one { count -= 1 }
    var product = load(mantissas + node)
    var exponent = Words()
    var index = 0
    if count > 0, differences.values[0] + table.values[node + 7] <= table.zero {
      product = Doubles()
      index = count
    }
    while index < count {
      // Every four factors lose their exponent; so does the product before mantissas of ½ and more underflow.
      let end = count - index < 2048 ? count : index + 2048
      while index + 4 <= end {
        let four =
          (factor(index, node) * factor(index + 1, node))
          * (factor(index + 2, node) * factor(index + 3, node))
        let (mantissa, power) = splitExponent(four)
        product = product * mantissa
        exponent = exponent &+ power
        index += 4
      }
      while index < end {
        let (mantissa, power) = splitExponent(factor(index, node))
        product = product * mantissa
        exponent = exponent &+ power
        index += 1
      }
      let (mantissa, power) = splitExponent(product)
      product = mantissa
      exponent = exponent &+ power
    }
    store(product, to: mantissas + node)
    store(load(exponents + node) + doubles(whole: exponent), to: exponents + node)
    node += 8
  }
}

@inline(__always)
private func invert(
  _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, _ count: Int
) {
  var node = 0
  while node < count {
    store(Doubles(repeating: 1) / load(mantissas + node), to: mantissas + node)
    store(Doubles() - load(exponents + node), to: exponents + node)
    node += 8
  }
}

/// Φ(x) for x ≥ −37.
@_transparent
private func normal(_ x: Doubles, _ coefficients: UnsafePointer<Double>) -> Doubles {
  let x = smaller(x, Doubles(repeating: 37))
  let magnitude = larger(x, Doubles() - x)
  let (value, reciprocal) = scaledTail(magnitude, coefficients)
  let tail = gaussian(magnitude) * (value * reciprocal)
  return (1 - tail).replacing(with: tail, where: x .< 0)
}

/// A normal number above 0 as mantissa · 2^exponent, with the mantissa from ½ on and below 1; 0 has the mantissa 0.
@_transparent
private func splitExponent(_ x: Doubles) -> (mantissa: Doubles, exponent: Words) {
  let bits = words(x)
  let shifted = unsafeBitCast(unsafeBitCast(bits, to: SIMD8<UInt64>.self) &>> 52, to: Words.self)
  let mantissa = (bits & Words(repeating: 0x000F_FFFF_FFFF_FFFF)) | Words(repeating: 0x3FE0_0000_0000_0000)
  return (doubles(mantissa).replacing(with: 0, where: x .== 0), shifted &- Words(repeating: 1022))
}
