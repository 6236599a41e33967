#if VARIANT
  import NoiseKernels
#endif

// The loops over the nodes of a row under a law with exponential tails: blocks of eight, a vector for each row.

private let constants = 0
private let factors = 8
private let weights = 16
private let reversedHazardRow = 24
private let cotangentRow = 32
private let measures = 40
private let passedRow = 48
private let blockSize = 56

/// 1/ψ of a class at the nodes of a block.
@inline(__always)
private func divisor(_ slope: Double, _ block: UnsafePointer<Double>) -> Doubles {
  multiplyAdd(slope, load(block + factors), load(block + constants))
}

/// The logarithm of ∏ F of the far classes.
@inline(__always)
private func farLogarithm(
  _ block: UnsafePointer<Double>, _ logarithms: UnsafePointer<Double>, _ perFactor: Double
) -> Doubles {
  let tau = load(block + factors) * perFactor
  return (Doubles() - tau) * tailPolynomial(logarithms, tau)
}

/// ∏ F at one or two blocks of nodes.
@inline(__always)
private func products(
  _ nodes: UnsafePointer<Double>, _ blocks: Int, _ slopes: UnsafePointer<Double>, from first: Int,
  to end: Int, _ logarithms: UnsafePointer<Double>?, _ perFactor: Double
) -> (Doubles, Doubles) {
  let one = Doubles(repeating: 1)
  let other = nodes + (blocks - 1) * blockSize
  let (a, c) = (load(nodes + constants), load(nodes + factors))
  let (otherA, otherC) = (load(other + constants), load(other + factors))
  var (even, odd, otherEven, otherOdd) = (one, one, one, one)
  if let logarithms {
    even = exponential(farLogarithm(nodes, logarithms, perFactor))
    otherEven = exponential(farLogarithm(other, logarithms, perFactor))
  }
  var k = first
  if blocks == 1 {
    while k + 1 < end {
      even = even * multiplyAdd(slopes[k], c, a)
      odd = odd * multiplyAdd(slopes[k + 1], c, a)
      k += 2
    }
    if k < end { even = even * multiplyAdd(slopes[k], c, a) }
    return (even * odd, one)
  }
  while k + 1 < end {
    even = even * multiplyAdd(slopes[k], c, a)
    odd = odd * multiplyAdd(slopes[k + 1], c, a)
    otherEven = otherEven * multiplyAdd(slopes[k], otherC, otherA)
    otherOdd = otherOdd * multiplyAdd(slopes[k + 1], otherC, otherA)
    k += 2
  }
  if k < end {
    even = even * multiplyAdd(slopes[k], c, a)
    otherEven = otherEven * multiplyAdd(slopes[k], otherC, otherA)
  }
  return (even * odd, otherEven * otherOdd)
}

/// Multiplies the weights of a panel by the products.
@inline(__always)
private func weighted(
  _ nodes: UnsafeMutablePointer<Double>, _ blocks: Int, _ product: (Doubles, Doubles)
) -> TailPanelSums {
  var sums = TailPanelSums()
  let weight = load(nodes + weights) * product.0
  store(weight, to: nodes + weights)
  var (integral, pairs) = (weight, weight * load(nodes + factors))
  sums.lastProduct = product.0[7]
  if blocks == 2 {
    let other = nodes + blockSize
    let otherWeight = load(other + weights) * product.1
    store(otherWeight, to: other + weights)
    integral += otherWeight
    pairs = multiplyAdd(otherWeight, load(other + factors), pairs)
    sums.lastProduct = product.1[7]
  }
  sums.integral = laneSum(integral)
  sums.pairIntegral = laneSum(pairs)
  return sums
}

extension VectorKernels {
  @inline(never)
  package static func layPanel(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, rule: UnsafePointer<Double>, panel: TailPanel,
    slopes: UnsafePointer<Double>, _ count: Int, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> TailPanelSums {
    for block in 0..<blocks {
      let node = nodes + block * blockSize
      let distance = load(rule + 8 * block)
      let weight = load(rule + panelNodes + 8 * block) * panel.width
      let t = multiplyAdd(panel.width, distance, Doubles(repeating: panel.t))
      let constant = multiplyAdd(panel.fall, 1 - distance, Doubles(repeating: panel.next))
      let leader = panel.hasKinks ? multiplyAdd(-0.5, t, Doubles(repeating: 1)) : constant
      store(constant, to: node + constants)
      store(t, to: node + factors)
      store(weight, to: node + weights)
      store(Doubles(), to: node + reversedHazardRow)
      store(weight * leader / t, to: node + measures)
      store(Doubles(), to: node + passedRow)
    }
    return weighted(nodes, blocks, products(nodes, blocks, slopes, from: 0, to: count, logarithms, perFactor))
  }

  @inline(never)
  package static func layPanel(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, rule: UnsafePointer<Double>, panel: KinkPanel,
    slopes: UnsafePointer<Double>, _ count: Int, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> TailPanelSums {
    for block in 0..<blocks {
      let node = nodes + block * blockSize
      let depth = load(rule + 8 * block) * panel.width
      let weight = load(rule + panelNodes + 8 * block) * panel.width
      let rise = moderateExponential(depth)
      let t = panel.t * rise
      store(Doubles(repeating: 1), to: node + constants)
      store(t, to: node + factors)
      store(weight * panel.above * moderateExponential(depth * panel.power), to: node + weights)
      store(Doubles(repeating: panel.reversedHazard), to: node + reversedHazardRow)
      store(0.5 * weight / t, to: node + measures)
      store(Doubles(repeating: Double(panel.passed)), to: node + passedRow)
    }
    return weighted(
      nodes, blocks, products(nodes, blocks, slopes, from: panel.passed, to: count, logarithms, perFactor))
  }

  @inline(never)
  package static func tailRate(
    at constant: Double, _ t: Double, tails: UnsafePointer<Double>, slopes: UnsafePointer<Double>,
    _ count: Int
  ) -> Double {
    var rate = Doubles()
    forEachVector(of: count) { index in
      rate += load(tails + index) / (load(slopes + index) * t + constant)
    }
    return laneSum(rate)
  }

  @inline(never)
  package static func nodeMoments(
    of nodes: UnsafePointer<Double>, blocks: Int, row: TailNodeRow, perFactor: Double,
    to moments: UnsafeMutablePointer<Double>
  ) {
    var (s0, s1, s2, s3, s4, s5) = (Doubles(), Doubles(), Doubles(), Doubles(), Doubles(), Doubles())
    var (s6, s7, s8, s9, s10, s11) = (s0, s1, s2, s3, s4, s5)
    let offset = row.offset
    var block = nodes
    let end = nodes + blocks * blockSize
    while block < end {
      let tau = load(block + factors) * perFactor
      let square = tau * tau
      var term = load(block + offset)
      s0 += term
      s1 = multiplyAdd(term, tau, s1)
      term = term * square
      s2 += term
      s3 = multiplyAdd(term, tau, s3)
      term = term * square
      s4 += term
      s5 = multiplyAdd(term, tau, s5)
      term = term * square
      s6 += term
      s7 = multiplyAdd(term, tau, s7)
      term = term * square
      s8 += term
      s9 = multiplyAdd(term, tau, s9)
      term = term * square
      s10 += term
      s11 = multiplyAdd(term, tau, s11)
      block += blockSize
    }
    store(sumsOfLanes(s0, s1, s2, s3, s4, s5, s6, s7), to: moments)
    moments[8] = laneSum(s8)
    moments[9] = laneSum(s9)
    moments[10] = laneSum(s10)
    moments[11] = laneSum(s11)
  }

  @inline(never)
  package static func nodeSums(
    of nodes: UnsafePointer<Double>, ends: UnsafePointer<Int>, slopes: UnsafePointer<Double>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count {
      var sum = Doubles()
      var block = nodes
      let (end, pairsEnd) = (nodes + ends[k] * blockSize, nodes + (ends[k] & ~1) * blockSize)
      while block < pairsEnd {
        // Two blocks share their division, as a/b + c/d = (a·d + c·b)/(b·d).
        let (first, second) = (divisor(slopes[k], block), divisor(slopes[k], block + blockSize))
        let numerator = multiplyAdd(
          load(block + weights), second, load(block + blockSize + weights) * first)
        sum += numerator / (first * second)
        block += 2 * blockSize
      }
      if block < end { sum += load(block + weights) / divisor(slopes[k], block) }
      sums[k] = laneSum(sum)
    }
  }

  @inline(never)
  package static func nodePairSums(
    of nodes: UnsafePointer<Double>, ends: UnsafePointer<Int>, slopes: UnsafePointer<Double>, _ count: Int,
    ofReversedHazards: UnsafeMutablePointer<Double>, ofCotangents: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count {
      var (sum, other) = (Doubles(), Doubles())
      var block = nodes
      let (end, pairsEnd) = (nodes + ends[k] * blockSize, nodes + (ends[k] & ~1) * blockSize)
      while block < pairsEnd {
        let next = block + blockSize
        let (first, second) = (divisor(slopes[k], block), divisor(slopes[k], next))
        let both = Doubles(repeating: 1) / (first * second)
        let (inverse, nextInverse) = (both * second, both * first)
        sum = multiplyAdd(
          load(next + reversedHazardRow), nextInverse,
          multiplyAdd(load(block + reversedHazardRow), inverse, sum))
        other = multiplyAdd(
          load(next + cotangentRow), nextInverse, multiplyAdd(load(block + cotangentRow), inverse, other))
        block += 2 * blockSize
      }
      if block < end {
        let inverse = Doubles(repeating: 1) / divisor(slopes[k], block)
        sum = multiplyAdd(load(block + reversedHazardRow), inverse, sum)
        other = multiplyAdd(load(block + cotangentRow), inverse, other)
      }
      ofReversedHazards[k] = laneSum(sum)
      ofCotangents[k] = laneSum(other)
    }
  }

  @inline(never)
  package static func blockSums(
    of nodes: UnsafePointer<Double>, blocks: Int, row: TailNodeRow, to sums: UnsafeMutablePointer<Double>
  ) {
    let offset = row.offset
    for index in 0..<blocks {
      let block = nodes + index * blockSize
      sums[index] = laneSum(load(block + offset) / load(block + factors))
    }
  }

  @inline(never)
  package static func addTailReversedHazards(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, tails: UnsafePointer<Double>,
    slopes: UnsafePointer<Double>, u: UnsafePointer<Double>, passed: UnsafePointer<Double>, _ count: Int,
    reversedHazards: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, perFactor: Double
  ) {
    var block = nodes
    let end = nodes + blocks * blockSize
    while block < end {
      let t = load(block + factors)
      var (reversedHazard, cotangent) = (
        tailPolynomial(reversedHazards, t * perFactor), tailPolynomial(cotangents, t * perFactor)
      )
      let first = Int(block[passedRow])
      var k = first
      while k + 1 < count {
        // Two classes share their division.
        let (divisor, nextDivisor) = (divisor(slopes[k], block), divisor(slopes[k + 1], block))
        let both = Doubles(repeating: 1) / (divisor * nextDivisor)
        let (inverse, nextInverse) = (both * nextDivisor, both * divisor)
        reversedHazard = multiplyAdd(
          tails[k + 1], nextInverse, multiplyAdd(tails[k], inverse, reversedHazard))
        cotangent = multiplyAdd(u[k + 1], nextInverse, multiplyAdd(u[k], inverse, cotangent))
        k += 2
      }
      if k < count {
        let inverse = Doubles(repeating: 1) / divisor(slopes[k], block)
        reversedHazard = multiplyAdd(tails[k], inverse, reversedHazard)
        cotangent = multiplyAdd(u[k], inverse, cotangent)
      }
      let weight = load(block + weights)
      store(
        weight * multiplyAdd(t, reversedHazard, load(block + reversedHazardRow)),
        to: block + reversedHazardRow)
      store(weight * multiplyAdd(t, cotangent, Doubles(repeating: passed[first])), to: block + cotangentRow)
      block += blockSize
    }
  }

  @inline(never)
  package static func survivals(
    at nodes: UnsafePointer<Double>, blocks: Int, tails: UnsafePointer<Double>, _ count: Int,
    without leader: Int, farLeader: Double, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> Double {
    var sum = Doubles()
    var block = nodes
    let end = nodes + blocks * blockSize
    while block < end {
      let t = load(block + factors)
      var survival = Doubles()
      if let logarithms {
        survival =
          Doubles()
          - moderateExponentialMinusOne(
            larger(farLogarithm(block, logarithms, perFactor), Doubles(repeating: -700)))
      }
      let leading = t * farLeader
      survival = (survival - leading) / (1 - leading)
      let first = Int(block[passedRow])
      for k in 0..<count {
        let tail = t * tails[k]
        // The F of the leader is in the measure; that of a class that has passed is 1/(4·c·t).
        if k != leader {
          let chance = k < first ? 1 - Doubles(repeating: 0.25) / tail : tail
          survival = multiplyAdd(1 - survival, chance, survival)
        }
      }
      sum = multiplyAdd(load(block + measures), survival, sum)
      block += blockSize
    }
    return laneSum(sum)
  }
}
