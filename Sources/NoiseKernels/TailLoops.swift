#if VARIANT
  import NoiseKernels
#endif

// The loops over all classes of a row under a law with exponential tails.

/// How many classes are summed as Doubles; the sums of such blocks are added to twice the precision.
let tailBlock = 512

/// c0 + c1·x + … + c11·x¹¹, in chains as short as they can be.
@inline(__always)
func tailPolynomial(_ c: UnsafePointer<Double>, _ x: Doubles) -> Doubles {
  let (x2, x4) = (x * x, (x * x) * (x * x))
  @inline(__always) func pair(_ k: Int) -> Doubles { multiplyAdd(c[k + 1], x, Doubles(repeating: c[k])) }
  let low = multiplyAdd(pair(2), x2, pair(0))
  let middle = multiplyAdd(pair(6), x2, pair(4))
  let high = multiplyAdd(pair(10), x2, pair(8))
  return multiplyAdd(multiplyAdd(high, x4, middle), x4, low)
}

extension VectorKernels {
  @inline(never)
  package static func tails(
    of gaps: UnsafePointer<Double>, _ count: Int, rise: Double, shift: Double,
    to tails: UnsafeMutablePointer<Double>
  ) -> TailSurvey {
    var (second, leaders, open) = (Doubles(repeating: -.infinity), Doubles(), Doubles())
    var finite = Doubles()
    var total = (high: 0.0, low: 0.0)
    let shift = Doubles(repeating: shift)
    var index = 0
    while index < count {
      let end = count - index < tailBlock ? count : index + tailBlock
      var sum = Doubles()
      while index < end {
        // Padding is −∞, or the first numbers of another vector.
        let gap = firstLanes(count - index, of: load(gaps + index), then: -.infinity)
        let tail = exponential(gap + rise, shift: shift)
        store(tail, to: tails + index)
        let isLeader = gap .>= 0
        leaders += Doubles().replacing(with: 1, where: isLeader)
        finite += Doubles().replacing(with: 1, where: gap .> -.infinity)
        open += Doubles().replacing(with: 1, where: tail .> 0)
        second = larger(second, gap.replacing(with: -.infinity, where: isLeader))
        sum += tail.replacing(with: 0, where: isLeader)
        index += 8
      }
      add(laneSum(sum), to: &total)
    }
    var survey = TailSurvey()
    survey.leaders = Int(laneSum(leaders))
    survey.finite = Int(laneSum(finite))
    survey.open = Int(laneSum(open))
    survey.sumOfOthers = total.high + total.low
    survey.second = largest(second)
    return survey
  }

  @inline(never)
  package static func powerSums(
    of tails: UnsafePointer<Double>, _ count: Int, factor: Double, limit: Double,
    to sums: UnsafeMutablePointer<Double>, near: UnsafeMutablePointer<Int>
  ) -> Int {
    var found = 0
    var start = 0
    clearTailSums(sums)
    while start < count {
      let end = count - start < tailBlock ? count : start + tailBlock
      var nearOfBlock = Doubles()
      addPowers(from: start, to: end, sums: sums) { index in
        let tail = load(tails + index)
        let isNear = tail .> limit
        nearOfBlock += Doubles().replacing(with: 1, where: isNear)
        let q = (tail * factor).replacing(with: 0, where: isNear)
        return (q, q)
      }
      if laneSum(nearOfBlock) > 0 {
        var index = start
        while index < end {
          if tails[index] > limit {
            near[found] = index
            found += 1
          }
          index += 1
        }
      }
      start = end
    }
    settleTailSums(sums)
    return found
  }

  @inline(never)
  package static func powerSums(
    of tails: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ count: Int, factor: Double,
    limit: Double, to sums: UnsafeMutablePointer<Double>
  ) {
    var start = 0
    clearTailSums(sums)
    while start < count {
      let end = count - start < tailBlock ? count : start + tailBlock
      addPowers(from: start, to: end, sums: sums) { index in
        let tail = load(tails + index)
        let isNear = tail .> limit
        let weight = firstLanes(count - index, of: load(weights + index))
        return (weight.replacing(with: 0, where: isNear), (tail * factor).replacing(with: 0, where: isNear))
      }
      start = end
    }
    settleTailSums(sums)
  }

  @inline(never)
  package static func tailPolynomials(
    of tails: UnsafePointer<Double>, _ count: Int, factor: Double, coefficients: UnsafePointer<Double>,
    timesTails: Bool, to values: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    if timesTails {
      while index < count {
        let tail = load(tails + index)
        store(tail * tailPolynomial(coefficients, tail * factor), to: values + index)
        index += 8
      }
    } else {
      while index < count {
        store(tailPolynomial(coefficients, load(tails + index) * factor), to: values + index)
        index += 8
      }
    }
  }

  @inline(never)
  package static func pullBackTails(
    _ u: UnsafeMutablePointer<Double>, of tails: UnsafePointer<Double>, _ count: Int, factor: Double,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>
  ) {
    forEachVector(of: count) { index in
      let tail = load(tails + index)
      let q = tail * factor
      store(load(u + index) * tailPolynomial(a, q) - tail * tailPolynomial(b, q), to: u + index)
    }
  }
}

@inline(__always)
func clearTailSums(_ sums: UnsafeMutablePointer<Double>) {
  for k in 0..<2 * tailTerms {
    sums[k] = 0
  }
}

/// Adds what the roundings of the sums took away.
@inline(__always)
func settleTailSums(_ sums: UnsafeMutablePointer<Double>) {
  for k in 0..<tailTerms {
    sums[k] += sums[tailTerms + k]
  }
}

/// Adds Σ first·qᵏ, k = 0…11, of some vectors to the sums, behind which stand the parts that they lose.
@inline(__always)
func addPowers(
  from start: Int, to end: Int, sums: UnsafeMutablePointer<Double>,
  _ term: (Int) -> (first: Doubles, q: Doubles)
) {
  var (s0, s1, s2, s3, s4, s5) = (Doubles(), Doubles(), Doubles(), Doubles(), Doubles(), Doubles())
  var (s6, s7, s8, s9, s10, s11) = (s0, s1, s2, s3, s4, s5)
  var index = start
  while index < end {
    let (first, q) = term(index)
    let q2 = q * q
    let q4 = q2 * q2
    let third = first * q2
    let (fifth, seventh) = (first * q4, third * q4)
    let (ninth, eleventh) = (fifth * q4, seventh * q4)
    s0 += first
    s1 = multiplyAdd(first, q, s1)
    s2 += third
    s3 = multiplyAdd(third, q, s3)
    s4 += fifth
    s5 = multiplyAdd(fifth, q, s5)
    s6 += seventh
    s7 = multiplyAdd(seventh, q, s7)
    s8 += ninth
    s9 = multiplyAdd(ninth, q, s9)
    s10 += eleventh
    s11 = multiplyAdd(eleventh, q, s11)
    index += 8
  }
  @inline(__always) func addPart(_ part: Doubles, _ k: Int) {
    var sum = (high: sums[k], low: sums[tailTerms + k])
    add(laneSum(part), to: &sum)
    sums[k] = sum.high
    sums[tailTerms + k] = sum.low
  }
  addPart(s0, 0)
  addPart(s1, 1)
  addPart(s2, 2)
  addPart(s3, 3)
  addPart(s4, 4)
  addPart(s5, 5)
  addPart(s6, 6)
  addPart(s7, 7)
  addPart(s8, 8)
  addPart(s9, 9)
  addPart(s10, 10)
  addPart(s11, 11)
}
