#if VARIANT
  import NoiseKernels
#endif

// What is integrated for classes with scales of their own, from their F, 1 − F and f at sixteen nodes.

/// Multiplies a polynomial, or its cumulative coefficients, by F + z·S, cut at zᵏ. In place or elsewhere.
@inline(__always)
private func multiply(
  _ polynomial: UnsafePointer<Double>, by cumulative: Doubles, _ survival: Doubles, _ k: Int,
  to result: UnsafeMutablePointer<Double>
) {
  var a = k - 1
  while a > 0 {
    let lower = load(polynomial + 8 * (a - 1)) * survival
    store(multiplyAdd(load(polynomial + 8 * a), cumulative, lower), to: result + 8 * a)
    a -= 1
  }
  store(load(polynomial) * cumulative, to: result)
}

/// The terms of inclusion at eight of the nodes. Behind the products of the classes from one on stand those before it.
@inline(__always)
private func eightInclusionTerms(
  _ cumulative: UnsafePointer<Double>, _ survival: UnsafePointer<Double>, _ density: UnsafePointer<Double>,
  _ count: Int, _ noisy: Int, _ k: Int, _ suffix: UnsafeMutablePointer<Double>,
  _ terms: UnsafeMutablePointer<Double>
) -> Double {
  let row = 8 * k
  let prefix = suffix + (count + 1) * row
  var a = 0
  while a < k {
    store(Doubles(repeating: 1), to: suffix + count * row + 8 * a)
    store(Doubles(repeating: a == 0 ? 1 : 0), to: prefix + 8 * a)
    a += 1
  }
  var j = count - 1
  while j >= 0 {
    multiply(
      suffix + (j + 1) * row, by: load(cumulative + 16 * j), load(survival + 16 * j), k, to: suffix + j * row)
    j -= 1
  }
  let bound = suffix[8 * k - 1]
  j = 0
  while j < noisy {
    let after = suffix + (j + 1) * row
    var sum = Doubles()
    a = 0
    while a < k {
      sum = multiplyAdd(load(prefix + 8 * a), load(after + 8 * (k - 1 - a)), sum)
      a += 1
    }
    store(load(density + 16 * j) * sum, to: terms + 16 * j)
    multiply(prefix, by: load(cumulative + 16 * j), load(survival + 16 * j), k, to: prefix)
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
    _ values: UnsafePointer<Double>, _ count: Int, judged: Int, rule: UnsafePointer<Double>, isPair: Bool,
    to contents: UnsafeMutablePointer<Double>, errors: UnsafeMutablePointer<Double>,
    expected: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      let (upper, lower) = (load(values + 16 * index), load(values + 16 * index + 8))
      let (first, second) = (load(rule) * upper, load(rule + 8) * lower)
      let content = laneSum(first + second)
      contents[index] = content
      if index < judged {
        let (firstLast, secondLast) = (load(rule + 16) * upper, load(rule + 24) * lower)
        let (firstNext, secondNext) = (load(rule + 32) * upper, load(rule + 40) * lower)
        if isPair {
          errors[index] =
            error(laneSum(first), laneSum(firstLast), laneSum(firstNext))
            + error(laneSum(second), laneSum(secondLast), laneSum(secondNext))
        } else {
          errors[index] = error(content, laneSum(firstLast + secondLast), laneSum(firstNext + secondNext))
        }
        expected[index] += content
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
    cumulative: UnsafePointer<Double>, survival: UnsafePointer<Double>, density: UnsafePointer<Double>,
    count: Int, noisy: Int, wanted: Int, polynomials: UnsafeMutablePointer<Double>,
    to terms: UnsafeMutablePointer<Double>
  ) -> Double {
    _ = eightInclusionTerms(cumulative, survival, density, count, noisy, wanted, polynomials, terms)
    return eightInclusionTerms(
      cumulative + 8, survival + 8, density + 8, count, noisy, wanted, polynomials, terms + 8)
  }

  @inline(never)
  package static func addWeighted(
    _ values: UnsafePointer<Double>, _ count: Int, weights: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, contents: UnsafeMutablePointer<Double>
  ) {
    let (first, second) = (load(weights), load(weights + 8))
    var index = 0
    while index < count {
      let added = multiplyAdd(second, load(values + 16 * index + 8), first * load(values + 16 * index))
      store(load(sums + 8 * index) + added, to: sums + 8 * index)
      contents[index] = laneSum(added)
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
