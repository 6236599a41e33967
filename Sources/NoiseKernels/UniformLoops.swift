#if VARIANT
  import NoiseKernels
#endif

// The loops of rows under uniform noise.

private let points = 0
private let depths = 8
private let weightsOffset = 16

extension VectorKernels {
  @inline(never)
  package static func openPowerSums(
    of distances: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ count: Int, x: Double,
    factor: Double, to sums: UnsafeMutablePointer<Double>
  ) {
    clearTailSums(sums)
    var start = 0
    while start < count {
      let end = count - start < tailBlock ? count : start + tailBlock
      addPowers(from: start, to: end, sums: sums) { index in
        let q = factor / (x + load(distances + index))
        let weight = firstLanes(count - index, of: load(weights + index))
        return (weight * q, q)
      }
      start = end
    }
    settleTailSums(sums)
  }

  @inline(never)
  package static func addOpenPolynomials(
    of distances: UnsafePointer<Double>, _ count: Int, x: Double, factor: Double,
    coefficients: UnsafePointer<Double>, scale: Double, to values: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index + 8 <= count {
      let q = factor / (x + load(distances + index))
      let value = multiplyAdd(scale, load(values + index), q * tailPolynomial(coefficients, q))
      store(value, to: values + index)
      index += 8
    }
    guard index < count else { return }
    // What follows belongs to other classes.
    let old = load(values + index)
    let q = factor / (x + load(distances + index))
    let value = multiplyAdd(scale, old, q * tailPolynomial(coefficients, q))
    let isOther = Doubles(0, 1, 2, 3, 4, 5, 6, 7) .>= Double(count - index)
    store(value.replacing(with: old, where: isOther), to: values + index)
  }

  @inline(never)
  package static func weighUniformNodes(of block: UniformBlock) {
    let base =
      block.early.map { earlyLogarithm($0, Doubles(repeating: block.shift * block.factor)) } ?? Doubles()
    for vector in 0..<block.vectors {
      let nodes = block.nodes + block.stride * vector
      let x = load(nodes + points)
      let t = load(nodes + depths)
      var logarithm = Doubles()
      if let early = block.early {
        logarithm = earlyLogarithm(early, (t + block.shift) * block.factor) - base
      }
      if let late = block.late { logarithm = logarithm - t * tailPolynomial(late, t) }
      var product = moderateExponential(larger(logarithm, Doubles(repeating: -700)))
      var other = load(nodes + weightsOffset)
      for k in 0..<block.narrowCount {
        let cumulative = (x + block.narrowDistances[k]) * block.narrowReciprocals[k]
        product = product * power(cumulative, block.narrowTies[k])
      }
      var k = block.atBase
      while k < block.count && block.firstVectors[k] <= vector {
        let cumulative = 1 - larger(t - block.depths[k], Doubles())
        other = other * power(cumulative, block.ties[k])
        k += 1
        if k < block.count && block.firstVectors[k] <= vector {
          let cumulative = 1 - larger(t - block.depths[k], Doubles())
          product = product * power(cumulative, block.ties[k])
          k += 1
        }
      }
      store(product * other, to: nodes + weightsOffset)
    }
  }

  @inline(never)
  package static func addUniformClasses(
    of block: UniformBlock, weights: UnsafePointer<Double>, to row: UniformNodeRow
  ) {
    let offset = row.offset
    for vector in 0..<block.vectors {
      let nodes = block.nodes + block.stride * vector
      let x = load(nodes + points)
      let t = load(nodes + depths)
      var sum = Doubles()
      if let early = block.early { sum = tailPolynomial(early, (t + block.shift) * block.factor) }
      if let late = block.late { sum += tailPolynomial(late, t) }
      for k in 0..<block.narrowCount {
        sum += block.narrowTies[k] / (x + block.narrowDistances[k])
      }
      var k = block.atBase
      while k < block.count && block.firstVectors[k] <= vector {
        let depth = t - block.depths[k]
        sum += (weights[k] / (1 - depth)).replacing(with: 0, where: depth .< 0)
        k += 1
      }
      store(load(nodes + weightsOffset) * sum, to: nodes + offset)
    }
  }

  @inline(never)
  package static func addUniformNodes(
    of block: UniformBlock, row: UniformNodeRow, to sums: UnsafeMutablePointer<Double>,
    narrow: UnsafeMutablePointer<Double>
  ) {
    let offset = row.offset
    for k in 0..<block.count {
      var sum = Doubles()
      var vector = block.firstVectors[k]
      while vector < block.vectors {
        let nodes = block.nodes + block.stride * vector
        let depth = load(nodes + depths) - block.depths[k]
        sum += (load(nodes + offset) / (1 - depth)).replacing(with: 0, where: depth .< 0)
        vector += 1
      }
      sums[k] += laneSum(sum)
    }
    for k in 0..<block.narrowCount {
      var sum = Doubles()
      for vector in 0..<block.vectors {
        let nodes = block.nodes + block.stride * vector
        sum += load(nodes + offset) / (load(nodes + points) + block.narrowDistances[k])
      }
      narrow[k] += laneSum(sum)
    }
  }

  @inline(never)
  package static func uniformNodeMoments(
    of block: UniformBlock, row: UniformNodeRow, shift: Double, factor: Double,
    to moments: UnsafeMutablePointer<Double>
  ) {
    let offset = row.offset
    clearTailSums(moments)
    addPowers(from: 0, to: 8 * block.vectors, sums: moments) { index in
      let nodes = block.nodes + block.stride * (index / 8)
      let t = load(nodes + depths)
      return (load(nodes + offset), (t + shift) * factor)
    }
    settleTailSums(moments)
  }
}

/// log ∏ F of the early classes: −τ·Σ coefficients_k·τᵏ.
@inline(__always)
private func earlyLogarithm(_ coefficients: UnsafePointer<Double>, _ x: Doubles) -> Doubles {
  Doubles() - x * tailPolynomial(coefficients, x)
}
