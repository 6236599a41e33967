#if VARIANT
  import NoiseKernels
#endif

// The loops over the classes of a row under uniform noise at the nodes of one panel, of which there are eight or sixteen: one
// vector or two. Two share their division, as 1/b and 1/d are d/(b·d) and b/(b·d).

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
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, distances: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int, sums: UnsafeMutablePointer<Double>
  ) {
    let (x, otherX) = (load(nodes), load(nodes + 8))
    var product = Doubles(repeating: 1)
    if vectors == 1 {
      for k in 0..<count { product = product * power(x + distances[k], ties[k]) }
      store(product, to: nodes + 2 * panelNodes)
      let weighted = load(nodes + panelNodes) * product
      for k in 0..<count {
        store(load(sums + 8 * k) + weighted / (x + distances[k]), to: sums + 8 * k)
      }
      return
    }
    var other = product
    for k in 0..<count {
      product = product * power(x + distances[k], ties[k])
      other = other * power(otherX + distances[k], ties[k])
    }
    store(product, to: nodes + 2 * panelNodes)
    store(other, to: nodes + 2 * panelNodes + 8)
    let weighted = load(nodes + panelNodes) * product
    let otherWeighted = load(nodes + panelNodes + 8) * other
    for k in 0..<count {
      let (near, far) = (x + distances[k], otherX + distances[k])
      // The reciprocals one by one: products of three small numbers could underflow.
      let both = Doubles(repeating: 1) / (near * far)
      let term = multiplyAdd(weighted, both * far, otherWeighted * (both * near))
      store(load(sums + 8 * k) + term, to: sums + 8 * k)
    }
  }

  @inline(never)
  package static func addProductDerivatives(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, distances: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, _ count: Int,
    sums: UnsafeMutablePointer<Double>, reciprocals: UnsafeMutablePointer<Double>
  ) {
    let (x, otherX) = (load(nodes), load(nodes + 8))
    var (product, reversedHazards, cotangent) = (Doubles(repeating: 1), Doubles(), Doubles())
    var (other, otherReversedHazards, otherCotangents) = (product, reversedHazards, cotangent)
    if vectors == 1 {
      for k in 0..<count {
        let cumulative = x + distances[k]
        product = product * power(cumulative, ties[k])
        let reciprocal = Doubles(repeating: 1) / cumulative
        store(reciprocal, to: reciprocals + 16 * k)
        reversedHazards = multiplyAdd(ties[k], reciprocal, reversedHazards)
        cotangent = multiplyAdd(cotangents[k], reciprocal, cotangent)
      }
    } else {
      for k in 0..<count {
        let (near, far) = (x + distances[k], otherX + distances[k])
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
      }
    }

    @inline(__always) func add(
      _ vector: Int, _ product: Doubles, _ reversedHazards: Doubles, _ cotangents: Doubles
    ) {
      let nodes = nodes + 8 * vector
      store(product, to: nodes + 2 * panelNodes)
      let weights = load(nodes + panelNodes)
      let ofG = weights * product
      let (ofR, ofV) = (weights * (product * reversedHazards), weights * (product * cotangents))
      for k in 0..<count {
        let reciprocal = load(reciprocals + 16 * k + 8 * vector)
        let slot = sums + 24 * k
        store(multiplyAdd(ofG, reciprocal, load(slot)), to: slot)
        store(multiplyAdd(ofR, reciprocal, load(slot + 8)), to: slot + 8)
        store(multiplyAdd(ofV, reciprocal, load(slot + 16)), to: slot + 16)
      }
    }
    add(0, product, reversedHazards, cotangent)
    if vectors == 2 { add(1, other, otherReversedHazards, otherCotangents) }
  }

  @inline(never)
  package static func writeSurvivals(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, breaks: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int
  ) {
    forEachVector(of: 8 * vectors) { node in
      let x = load(nodes + node)
      var survival = Doubles()
      for k in 0..<count { survival = either(survival, any(breaks[k] - x, of: ties[k])) }
      store(survival, to: nodes + 2 * panelNodes + node)
    }
  }

  @inline(never)
  package static func laneSums(
    of vectors: UnsafePointer<Double>, _ count: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    for index in 0..<count { sums[index] = laneSum(load(vectors + 8 * index)) }
  }
}
