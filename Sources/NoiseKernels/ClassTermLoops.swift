#if VARIANT
  import NoiseKernels
#endif

// What is integrated for classes with scales of their own, from their F, 1 − F and f at sixteen nodes.

/// Multiplies a polynomial at sixteen nodes, or its cumulative coefficients, by F + z·S, cut at zᵏ. In place or elsewhere.
@inline(__always)
private func multiply(
  _ polynomial: UnsafePointer<Double>, by cumulative: UnsafePointer<Double>, _ k: Int,
  to result: UnsafeMutablePointer<Double>
) {
  let (first, second) = (load(cumulative), load(cumulative + 8))
  // A product with S has one with F beside it that is no less: what S = 1 − F is rounded by counts as a rounding of F.
  let (firstRest, secondRest) = (1 - first, 1 - second)
  var slot = 16 * (k - 1)
  while slot > 0 {
    let lower = load(polynomial + slot - 16) * firstRest
    let otherLower = load(polynomial + slot - 8) * secondRest
    store(multiplyAdd(load(polynomial + slot), first, lower), to: result + slot)
    store(multiplyAdd(load(polynomial + slot + 8), second, otherLower), to: result + slot + 8)
    slot -= 16
  }
  store(load(polynomial) * first, to: result)
  store(load(polynomial + 8) * second, to: result + 8)
}

/// The terms of inclusion. Behind the products of the classes from one on stand those before it.
@inline(__always)
private func inclusionTermsOfMany(
  _ cumulative: UnsafePointer<Double>, _ density: UnsafePointer<Double>, _ count: Int, _ noisy: Int,
  _ k: Int, _ suffix: UnsafeMutablePointer<Double>, _ terms: UnsafeMutablePointer<Double>
) -> Double {
  let row = 16 * k
  let prefix = suffix + (count + 1) * row
  var slot = 0
  while slot < row {
    store(Doubles(repeating: 1), to: suffix + count * row + slot)
    store(Doubles(repeating: slot < 16 ? 1 : 0), to: prefix + slot)
    slot += 8
  }
  var j = count - 1
  while j >= 0 {
    multiply(suffix + (j + 1) * row, by: cumulative + 16 * j, k, to: suffix + j * row)
    j -= 1
  }
  let bound = suffix[row - 1]
  j = 0
  while j < noisy {
    let after = suffix + (j + 2) * row - 16
    var (sum, otherSum) = (Doubles(), Doubles())
    slot = 0
    while slot < row {
      sum = multiplyAdd(load(prefix + slot), load(after - slot), sum)
      otherSum = multiplyAdd(load(prefix + slot + 8), load(after - slot + 8), otherSum)
      slot += 16
    }
    store(load(density + 16 * j) * sum, to: terms + 16 * j)
    store(load(density + 16 * j + 8) * otherSum, to: terms + 16 * j + 8)
    multiply(prefix, by: cumulative + 16 * j, k, to: prefix)
    j += 1
  }
  return bound
}

/// The terms of inclusion for k = 2, at all nodes: two chains of products side by side, and no sum waits in memory.
@inline(__always)
private func pairTerms(
  _ cumulative: UnsafePointer<Double>, _ density: UnsafePointer<Double>, _ count: Int, _ noisy: Int,
  _ suffix: UnsafeMutablePointer<Double>, _ terms: UnsafeMutablePointer<Double>
) -> Double {
  // P(none above) and P(one at most above) among the classes from one on.
  var (none, otherNone) = (Doubles(repeating: 1), Doubles(repeating: 1))
  var (one, otherOne) = (none, otherNone)
  var j = count - 1
  while j >= 0 {
    store(none, to: suffix + 32 * j)
    store(otherNone, to: suffix + 32 * j + 8)
    store(one, to: suffix + 32 * j + 16)
    store(otherOne, to: suffix + 32 * j + 24)
    let (first, second) = (load(cumulative + 16 * j), load(cumulative + 16 * j + 8))
    one = multiplyAdd(one, first, none * (1 - first))
    otherOne = multiplyAdd(otherOne, second, otherNone * (1 - second))
    none = none * first
    otherNone = otherNone * second
    j -= 1
  }
  let bound = otherOne[7]
  // P(none above) and P(one above) among those before.
  (none, otherNone) = (Doubles(repeating: 1), Doubles(repeating: 1))
  (one, otherOne) = (Doubles(), Doubles())
  j = 0
  while j < noisy {
    let after = suffix + 32 * j
    let sum = multiplyAdd(none, load(after + 16), one * load(after))
    let otherSum = multiplyAdd(otherNone, load(after + 24), otherOne * load(after + 8))
    store(load(density + 16 * j) * sum, to: terms + 16 * j)
    store(load(density + 16 * j + 8) * otherSum, to: terms + 16 * j + 8)
    let (first, second) = (load(cumulative + 16 * j), load(cumulative + 16 * j + 8))
    one = multiplyAdd(one, first, none * (1 - first))
    otherOne = multiplyAdd(otherOne, second, otherNone * (1 - second))
    none = none * first
    otherNone = otherNone * second
    j += 1
  }
  return bound
}

/// P, U and D of the pullback, k vectors each one after the other, go on from a class to the next one, whose cotangent is
/// `step` further.
@inline(__always)
private func goOn(
  _ sums: UnsafeMutablePointer<Double>, _ k: Int, _ cumulative: Doubles, _ survival: Doubles,
  _ density: Doubles, _ step: Double
) {
  let (densities, differences) = (sums + 8 * k, sums + 16 * k)
  var a = k - 1
  while a >= 0 {
    let slot = 8 * a
    let product = load(sums + slot)
    let own = density * product
    var newProduct = product * cumulative
    var newDensities = multiplyAdd(load(densities + slot), cumulative, own)
    var newDifferences = multiplyAdd(
      multiplyAdd(step, load(densities + slot), load(differences + slot)), cumulative, step * own)
    if a > 0 {
      let lower = load(densities + slot - 8)
      newProduct = multiplyAdd(load(sums + slot - 8), survival, newProduct)
      newDensities = multiplyAdd(lower, survival, newDensities)
      newDifferences = multiplyAdd(
        multiplyAdd(step, lower, load(differences + slot - 8)), survival, newDifferences)
    }
    store(newProduct, to: sums + slot)
    store(newDensities, to: densities + slot)
    store(newDifferences, to: differences + slot)
    a -= 1
  }
}

/// 1, and no class yet.
@inline(__always)
private func begin(_ sums: UnsafeMutablePointer<Double>, _ k: Int) {
  var slot = 0
  while slot < 24 * k {
    store(Doubles(repeating: slot == 0 ? 1 : 0), to: sums + slot)
    slot += 8
  }
}

/// The terms of the pullback at eight of the nodes.
@inline(__always)
private func eightPullbackTerms(
  _ z: UnsafePointer<Double>, _ cumulative: UnsafePointer<Double>, _ survival: UnsafePointer<Double>,
  _ density: UnsafePointer<Double>, _ cotangent: UnsafePointer<Double>, _ location: Double, _ count: Int,
  _ n: Int, _ k: Int, _ sums: UnsafeMutablePointer<Double>, _ terms: UnsafeMutablePointer<Double>
) -> Double {
  // For every class the product P of those after it, and their sums D.
  let after = sums + 24 * k
  begin(sums, k)
  var j = count - 1
  while j >= 0 {
    if j < n {
      var a = 0
      while a < k {
        store(load(sums + 8 * a), to: after + 16 * j * k + 8 * a)
        store(load(sums + 16 * k + 8 * a), to: after + (16 * j + 8) * k + 8 * a)
        a += 1
      }
    }
    // Those without noise have no density, and come first.
    let step = j > 0 && j < n ? cotangent[j] - cotangent[j - 1] : 0
    goOn(sums, k, load(cumulative + 16 * j), load(survival + 16 * j), load(density + 16 * j), step)
    j -= 1
  }
  var bound = 0.0
  var a = 0
  while a < k {
    bound += sums[8 * a + 7]
    a += 1
  }
  begin(sums, k)
  j = 0
  while j < n {
    let (products, differences) = (after + 16 * j * k, after + (16 * j + 8) * k)
    var (below, above) = (Doubles(), Doubles())
    a = 0
    while a < k {
      below = multiplyAdd(load(sums + 16 * k + 8 * a), load(products + 8 * (k - 1 - a)), below)
      above = multiplyAdd(load(sums + 8 * a), load(differences + 8 * (k - 1 - a)), above)
      a += 1
    }
    let here = load(density + 16 * j)
    let term = here * (below - above)
    store(here * (below + above), to: terms + 16 * j)
    store(term, to: terms + 16 * (n + j))
    store(term * (load(z + 16 * j) + location), to: terms + 16 * (2 * n + j))
    let step = j < n - 1 ? cotangent[j + 1] - cotangent[j] : 0
    goOn(sums, k, load(cumulative + 16 * j), load(survival + 16 * j), here, step)
    j += 1
  }
  return bound
}

/// What the content of a panel is wrong by, from its last Legendre coefficients.
@_transparent
private func error(_ content: Double, _ last: Double, _ nextToLast: Double) -> Double {
  let rest = last.magnitude + nextToLast.magnitude
  let share = rest / content.magnitude
  return rest * (share < 1 ? share : 1)
}

extension VectorKernels {
  @inline(never)
  package static func panelContents(
    _ values: UnsafePointer<Double>, _ count: Int, at slots: UnsafePointer<Int>?, judged: Int,
    rule: UnsafePointer<Double>, isPair: Bool, to contents: UnsafeMutablePointer<Double>,
    errors: UnsafeMutablePointer<Double>,
    expected: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      let (upper, lower) = (load(values + 16 * index), load(values + 16 * index + 8))
      let (first, second) = (load(rule) * upper, load(rule + 8) * lower)
      let content = laneSum(first + second)
      var slot = index
      if let slots { slot = slots[index] }
      contents[slot] = content
      if index < judged {
        let (firstLast, secondLast) = (load(rule + 16) * upper, load(rule + 24) * lower)
        let (firstNext, secondNext) = (load(rule + 32) * upper, load(rule + 40) * lower)
        if isPair {
          errors[slot] =
            error(laneSum(first), laneSum(firstLast), laneSum(firstNext))
            + error(laneSum(second), laneSum(secondLast), laneSum(secondNext))
        } else {
          errors[slot] = error(content, laneSum(firstLast + secondLast), laneSum(firstNext + secondNext))
        }
        expected[slot] += content
      }
      index += 1
    }
  }

  @inline(never)
  package static func winningTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int,
    to terms: UnsafeMutablePointer<Double>
  ) -> Double {
    var (first, second) = (Doubles(repeating: 1), Doubles(repeating: 1))
    var j = 0
    while j < count {
      first = first * load(cumulative + 16 * j)
      second = second * load(cumulative + 16 * j + 8)
      j += 1
    }
    j = 0
    while j < noisy {
      let (lower, upper) = (load(cumulative + 16 * j), load(cumulative + 16 * j + 8))
      // Where F is 0, so is the product. f/F itself may overflow.
      let one = first / lower * load(density + 16 * j)
      let other = second / upper * load(density + 16 * j + 8)
      store(one.replacing(with: 0, where: lower .== 0), to: terms + 16 * j)
      store(other.replacing(with: 0, where: upper .== 0), to: terms + 16 * j + 8)
      j += 1
    }
    return second[7]
  }

  @inline(never)
  package static func meetingTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int,
    reversedHazards: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double {
    var bound = 0.0
    var half = 0
    while half < 16 {
      var product = Doubles(repeating: 1)
      var j = 0
      while j < count {
        product = product * load(cumulative + 16 * j + half)
        j += 1
      }
      bound = product[7]
      j = 0
      while j < noisy {
        let cumulative = load(cumulative + 16 * j + half)
        // So that no product with it is NaN.
        let r = smaller(load(density + 16 * j + half) / cumulative, Doubles(repeating: 0x1p1000))
        store(r.replacing(with: 0, where: cumulative .== 0), to: reversedHazards + 16 * j + half)
        j += 1
      }
      var (i, term) = (0, terms + half)
      while i < noisy {
        let own = product * load(reversedHazards + 16 * i + half)
        j = i + 1
        while j < noisy {
          store(own * load(reversedHazards + 16 * j + half), to: term)
          term += 16
          j += 1
        }
        i += 1
      }
      half += 8
    }
    return bound
  }

  @inline(never)
  package static func inclusionTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int, wanted: Int,
    polynomials: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double {
    if wanted == 2 { return pairTerms(cumulative, density, count, noisy, polynomials, terms) }
    return inclusionTermsOfMany(cumulative, density, count, noisy, wanted, polynomials, terms)
  }

  @inline(never)
  package static func addWeighted(
    _ values: UnsafePointer<Double>, _ count: Int, at slots: UnsafePointer<Int>?,
    weights: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>,
    contents: UnsafeMutablePointer<Double>
  ) {
    let (first, second) = (load(weights), load(weights + 8))
    var index = 0
    while index < count {
      let added = multiplyAdd(second, load(values + 16 * index + 8), first * load(values + 16 * index))
      var slot = index
      if let slots { slot = slots[index] }
      store(load(sums + 8 * slot) + added, to: sums + 8 * slot)
      contents[slot] = laneSum(added)
      index += 1
    }
  }

  @inline(never)
  package static func inclusionPullbackTerms(
    z: UnsafePointer<Double>, cumulative: UnsafePointer<Double>, survival: UnsafePointer<Double>,
    density: UnsafePointer<Double>, cotangent: UnsafePointer<Double>, location: Double, count: Int,
    noisy: Int,
    wanted: Int, work: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double {
    _ = eightPullbackTerms(
      z, cumulative, survival, density, cotangent, location, count, noisy, wanted, work, terms)
    return eightPullbackTerms(
      z + 8, cumulative + 8, survival + 8, density + 8, cotangent, location, count, noisy, wanted, work,
      terms + 8)
  }
}
