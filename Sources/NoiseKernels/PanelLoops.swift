#if VARIANT
  import NoiseKernels
#endif

// The loops over the classes of a row at the nodes of one panel, of which there are eight or sixteen: one vector or two.
// Two share their division, as 1/b and 1/d are d/(b·d) and b/(b·d).

/// F to the power of a number of ties, at least 1.
@inline(__always)
func power(_ base: Doubles, _ exponent: Double) -> Doubles {
  if exponent == 1 { return base }
  var (rest, square, result) = (Int(exponent), base, Doubles(repeating: 1))
  while rest > 0 {
    if rest & 1 == 1 { result = result * square }
    square = square * square
    rest >>= 1
  }
  return result
}

/// Of two chances, that of the first or the second, from independent trials.
@inline(__always)
private func either(_ a: Doubles, _ b: Doubles) -> Doubles { multiplyAdd(1 - a, b, a) }

/// 1 − (1 − c) to the power of a number of ties.
@inline(__always)
private func any(_ chance: Doubles, of ties: Double) -> Doubles {
  if ties == 1 { return chance }
  var (rest, chance, result) = (Int(ties), chance, Doubles())
  while rest > 0 {
    if rest & 1 == 1 { result = either(result, chance) }
    chance = either(chance, chance)
    rest >>= 1
  }
  return result
}

extension VectorKernels {
  @inline(never)
  package static func addProducts(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int, sums: UnsafeMutablePointer<Double>
  ) {
    let (constants, otherConstants) = (load(nodes), load(nodes + 8))
    let (factors, otherFactors) = (load(nodes + panelNodes), load(nodes + panelNodes + 8))
    var product = Doubles(repeating: 1)
    var k = 0
    if vectors == 1 {
      while k < count {
        product = product * power(multiplyAdd(slopes[k], factors, constants), ties[k])
        k += 1
      }
      store(product, to: nodes + 3 * panelNodes)
      let weighted = load(nodes + 2 * panelNodes) * product
      k = 0
      while k < count {
        store(
          load(sums + 8 * k) + weighted / multiplyAdd(slopes[k], factors, constants), to: sums + 8 * k)
        k += 1
      }
      return
    }
    var other = product
    while k < count {
      product = product * power(multiplyAdd(slopes[k], factors, constants), ties[k])
      other = other * power(multiplyAdd(slopes[k], otherFactors, otherConstants), ties[k])
      k += 1
    }
    store(product, to: nodes + 3 * panelNodes)
    store(other, to: nodes + 3 * panelNodes + 8)
    let weighted = load(nodes + 2 * panelNodes) * product
    let otherWeighted = load(nodes + 2 * panelNodes + 8) * other
    k = 0
    while k < count {
      let near = multiplyAdd(slopes[k], factors, constants)
      let far = multiplyAdd(slopes[k], otherFactors, otherConstants)
      // The reciprocals one by one: products of three small numbers could underflow.
      let both = Doubles(repeating: 1) / (near * far)
      let term = multiplyAdd(weighted, both * far, otherWeighted * (both * near))
      store(load(sums + 8 * k) + term, to: sums + 8 * k)
      k += 1
    }
  }

  @inline(never)
  package static func addProductDerivatives(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, _ count: Int,
    sums: UnsafeMutablePointer<Double>, reciprocals: UnsafeMutablePointer<Double>
  ) {
    let (constants, otherConstants) = (load(nodes), load(nodes + 8))
    let (factors, otherFactors) = (load(nodes + panelNodes), load(nodes + panelNodes + 8))
    var (product, reversedHazards, cotangent) = (Doubles(repeating: 1), Doubles(), Doubles())
    var (other, otherReversedHazards, otherCotangents) = (product, reversedHazards, cotangent)
    var k = 0
    if vectors == 1 {
      while k < count {
        let cumulative = multiplyAdd(slopes[k], factors, constants)
        product = product * power(cumulative, ties[k])
        let reciprocal = Doubles(repeating: 1) / cumulative
        store(reciprocal, to: reciprocals + 16 * k)
        reversedHazards = multiplyAdd(ties[k], reciprocal, reversedHazards)
        cotangent = multiplyAdd(cotangents[k], reciprocal, cotangent)
        k += 1
      }
    } else {
      while k < count {
        let near = multiplyAdd(slopes[k], factors, constants)
        let far = multiplyAdd(slopes[k], otherFactors, otherConstants)
        product = product * power(near, ties[k])
        other = other * power(far, ties[k])
        let both = Doubles(repeating: 1) / (near * far)
        let (reciprocal, otherReciprocal) = (both * far, both * near)
        store(reciprocal, to: reciprocals + 16 * k)
        store(otherReciprocal, to: reciprocals + 16 * k + 8)
        reversedHazards = multiplyAdd(ties[k], reciprocal, reversedHazards)
        otherReversedHazards = multiplyAdd(ties[k], otherReciprocal, otherReversedHazards)
        cotangent = multiplyAdd(cotangents[k], reciprocal, cotangent)
        otherCotangents = multiplyAdd(cotangents[k], otherReciprocal, otherCotangents)
        k += 1
      }
    }

    @inline(__always) func add(
      _ vector: Int, _ product: Doubles, _ reversedHazards: Doubles, _ cotangents: Doubles, _ factors: Doubles
    ) {
      let nodes = nodes + 8 * vector
      let r = product * (reversedHazards * factors)
      let v = product * (cotangents * factors)
      store(product, to: nodes + 3 * panelNodes)
      store(r, to: nodes + 4 * panelNodes)
      store(v, to: nodes + 5 * panelNodes)
      let weights = load(nodes + 2 * panelNodes)
      let (ofG, ofR, ofV) = (weights * product, weights * r, weights * v)
      var k = 0
      while k < count {
        let reciprocal = load(reciprocals + 16 * k + 8 * vector)
        let slot = sums + 24 * k
        store(multiplyAdd(ofG, reciprocal, load(slot)), to: slot)
        store(multiplyAdd(ofR, reciprocal, load(slot + 8)), to: slot + 8)
        store(multiplyAdd(ofV, reciprocal, load(slot + 16)), to: slot + 16)
        k += 1
      }
    }
    add(0, product, reversedHazards, cotangent, factors)
    if vectors == 2 { add(1, other, otherReversedHazards, otherCotangents, otherFactors) }
  }

  @inline(never)
  package static func addSurvivals(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int
  ) {
    var node = 0
    while node < 8 * vectors {
      let (constants, factors) = (load(nodes + node), load(nodes + panelNodes + node))
      var survival = load(nodes + 3 * panelNodes + node)
      var k = 0
      while k < count {
        survival = either(survival, any(multiplyAdd(slopes[k], factors, constants), of: ties[k]))
        k += 1
      }
      store(survival, to: nodes + 3 * panelNodes + node)
      node += 8
    }
  }

  @inline(never)
  package static func laneSums(
    of vectors: UnsafePointer<Double>, _ count: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      sums[index] = laneSum(load(vectors + 8 * index))
      index += 1
    }
  }
}
