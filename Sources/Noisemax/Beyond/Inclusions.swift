internal import NoiseKernels

// The integrands of P(i among the k largest) and of its pullback.
//
// With W_i(x) = P(fewer than k others above x) that is ∫ f_i W_i dx. The number of others above x has the generating
// polynomial ∏_{j≠i} (F_j + z·S_j). It is taken as the product of those before i and those after i, cut at zᵏ, with cumulative
// coefficients on one side, so that every term is positive. k = 1 is the argmax.

/// f_i W_i for every class, and after them, if wanted, ε_i f_i W_i: the mean noise where a class is included.
struct Inclusions: PanelIntegrand {
  let classCount: Int
  let withNoise: Bool
  /// (n + 1)·k lanes, for products of classes.
  let polynomials: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int, wanted: Int) -> Int { Lanes.scalarCount * (count + 2) * wanted }

  init(of classes: ScaledClasses, withNoise: Bool, memory: inout Pieces) {
    classCount = classes.noisy
    self.withNoise = withNoise
    polynomials = memory.takeLanes((classes.count + 2) * classes.wanted)
  }

  var count: Int { withNoise ? 2 * classCount : classCount }
  var judged: Int { classCount }
  var rarest: Double? { nil }
  var canLeaveOut: Bool { true }
  var usesNoise: Bool { withNoise }
  var usesSurvival: Bool { false }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let terms = doubles(values)
    let bound =
      classes.wanted == 1
      ? kernels.winningTerms(
        cumulative: doubles(classes.cumulative), density: doubles(classes.density), count: classes.count,
        noisy: classes.noisy, to: terms)
      : kernels.inclusionTerms(
        cumulative: doubles(classes.cumulative), density: doubles(classes.density), count: classes.count,
        noisy: classes.noisy, wanted: classes.wanted, polynomials: doubles(polynomials), to: terms)
    if withNoise {
      for j in 0..<classes.noisy {
        values[classes.noisy + j] = values[j] * (classes.z[j] + classes.law.location)
      }
    }
    return bound
  }
}

extension Inclusions {
  /// P(fewer than k others are above a class without noise).
  func probability(ofStill slot: Int, in classes: ScaledClasses) -> Double {
    classes.evaluate(at: PanelNodes(Lanes(), below: DoubleDouble(classes.locations[slot])))
    let k = classes.wanted
    for a in 0..<k { polynomials[a] = Lanes(repeating: 1) }
    for j in 0..<classes.count { multiply(polynomials, by: classes, j, k, to: polynomials) }
    return polynomials[k - 1][0]
  }
}

/// Multiplies a polynomial, or its cumulative coefficients, by F_j + z·S_j, cut at zᵏ. In place or elsewhere.
@inline(__always)
private func multiply(
  _ polynomial: UnsafeMutablePointer<Lanes>, by classes: ScaledClasses, _ j: Int, _ k: Int,
  to result: UnsafeMutablePointer<Lanes>
) {
  let (cumulative, survival) = (classes.cumulative[j], classes.survival[j])
  for a in (1..<k).reversed() { result[a] = polynomial[a] * cumulative + polynomial[a - 1] * survival }
  result[0] = polynomial[0] * cumulative
}

/// The pullback Σ_i v_i ∂π_i/∂μ_j = ∫ f_j Σ_{i≠j} (v_j − v_i) f_i E_ij dx, E_ij = P(exactly k − 1 of the rest above x).
///
/// The classes with noise are in rising order of v. The sum over i < j has positive terms alone, and goes by a recurrence of
/// positive terms: with P_j = ∏_{l<j} (F_l + z·S_l), U_j = Σ_{i<j} f_i P_j/(F_i + z·S_i), D_j = Σ_{i<j} (v_j − v_i) of the same,
///
///     D_{j+1} = (D_j + (v_{j+1} − v_j)·U_j)·(F_j + z·S_j) + (v_{j+1} − v_j)·f_j P_j,
///
/// and likewise from above. So nothing cancels but the two sides: what a narrow class would add to both, r_j², is in neither.
///
/// Values: what an entry is summed from; the entry; and the entry for s_j, with the noise ε_j as one more factor.
struct InclusionPullback: PanelIntegrand {
  let classCount: Int
  /// v, rising.
  let cotangent: UnsafeMutablePointer<Double>
  /// v of those that are evaluated.
  private let selected: UnsafeMutablePointer<Double>
  /// The least probability of a class.
  let rarest: Double?
  let usesSurvival: Bool
  /// For every class the product of those after it, and the sums D of those.
  private let after: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int, wanted: Int) -> Int {
    2 * padded(count) + Lanes.scalarCount * (2 * count + 5) * wanted
  }

  init(of classes: ScaledClasses, rarest: Double, memory: inout Pieces) {
    classCount = classes.noisy
    self.rarest = rarest
    usesSurvival = classes.wanted > 1
    after = memory.takeLanes((2 * classes.count + 5) * classes.wanted)
    cotangent = memory.take(padded(classes.count))
    selected = memory.take(padded(classes.count))
  }

  var count: Int { 3 * classCount }
  var judged: Int { classCount }
  /// f has no digits below 2⁻¹⁰²², which is that much beside differences of v.
  var leastContent: Double { 0x1p-1015 * cotangent[classCount - 1] - 0x1p-1015 * cotangent[0] }
  var canLeaveOut: Bool { true }

  func select(_ slots: UnsafeBufferPointer<Int>) {
    for (index, slot) in slots.enumerated() { selected[index] = cotangent[slot] }
  }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    kernels.inclusionPullbackTerms(
      z: doubles(classes.z), cumulative: doubles(classes.cumulative), survival: doubles(classes.survival),
      density: doubles(classes.density),
      cotangent: classes.noisy < classCount ? selected : cotangent, location: classes.law.location,
      count: classes.count, noisy: classes.noisy, wanted: classes.wanted, work: doubles(after),
      to: doubles(values))
  }

  /// Passes on, for every class with noise, what moves from one without to it as its logit rises:
  /// (v_j − v_i)·f_j·P(exactly k − 1 of the rest above) where that one is.
  func forEachMeeting(
    withStill still: Int, in classes: ScaledClasses, _ body: (_ slot: Int, _ flow: Double) -> Void
  ) {
    classes.evaluate(at: PanelNodes(Lanes(), below: DoubleDouble(classes.locations[still])))
    let (n, k) = (classes.count, classes.wanted)
    // The products of the classes from one on; behind them those before one.
    let prefix = after + (n + 1) * k
    for start in [after + n * k, prefix] {
      start.update(repeating: Lanes(), count: k)
      start[0] = Lanes(repeating: 1)
    }
    for j in (0..<n).reversed() { multiply(after + (j + 1) * k, by: classes, j, k, to: after + j * k) }
    for j in 0..<classCount {
      var sum = 0.0
      for a in 0..<k { sum += prefix[a][0] * after[(j + 1) * k + k - 1 - a][0] }
      body(j, (cotangent[j] - cotangent[still]) * classes.density[j][0] * sum)
      multiply(prefix, by: classes, j, k, to: prefix)
    }
  }
}
