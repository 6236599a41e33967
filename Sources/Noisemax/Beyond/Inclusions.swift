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
  /// (n + 1)·k lanes, the products of the classes from one on.
  let suffix: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int, wanted: Int) -> Int { Lanes.scalarCount * (count + 2) * wanted }

  init(of classes: ScaledClasses, withNoise: Bool, memory: inout Pieces) {
    classCount = classes.noisy
    self.withNoise = withNoise
    suffix = memory.takeLanes((classes.count + 2) * classes.wanted)
  }

  var count: Int { withNoise ? 2 * classCount : classCount }
  var judged: Int { classCount }
  var rarest: Double? { nil }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let bound =
      classes.wanted == 1 ? evaluateOne(classes, to: values) : evaluateMany(classes, to: values)
    if withNoise {
      for j in 0..<classCount {
        values[classCount + j] = values[j] * (classes.z[j] + classes.law.location)
      }
    }
    return bound
  }

  /// G r_i: equal classes have equal bits.
  private func evaluateOne(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    var product = Lanes(repeating: 1)
    for j in 0..<classes.count { product *= classes.cumulative[j] }
    for j in 0..<classCount {
      let r = classes.density[j] / classes.cumulative[j]
      // Where F is 0, so is the product.
      values[j] = (product * r).replacing(with: 0, where: classes.cumulative[j] .== 0)
    }
    return product[Lanes.scalarCount - 1]
  }

  private func evaluateMany(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let (n, k) = (classes.count, classes.wanted)
    for a in 0..<k { suffix[n * k + a] = Lanes(repeating: 1) }
    for j in (0..<n).reversed() {
      let (from, to) = (suffix + (j + 1) * k, suffix + j * k)
      multiply(from, by: classes, j, k, to: to)
    }
    let bound = suffix[k - 1][Lanes.scalarCount - 1]
    // The products of the classes before one stand behind the others.
    let prefix = suffix + (n + 1) * k
    prefix[0] = Lanes(repeating: 1)
    for a in 1..<k { prefix[a] = Lanes() }
    for j in 0..<classCount {
      let after = suffix + (j + 1) * k
      var sum = Lanes()
      for a in 0...Swift.min(j, k - 1) { sum += prefix[a] * after[k - 1 - a] }
      values[j] = classes.density[j] * sum
      multiply(prefix, by: classes, j, k, to: prefix)
    }
    return bound
  }
}

extension Inclusions {
  /// P(fewer than k others are above a class without noise).
  func probability(ofStill slot: Int, in classes: ScaledClasses) -> Double {
    classes.evaluate(at: PanelNodes(Lanes(), below: DoubleDouble(classes.locations[slot])))
    let k = classes.wanted
    for a in 0..<k { suffix[a] = Lanes(repeating: 1) }
    for j in 0..<classes.count { multiply(suffix, by: classes, j, k, to: suffix) }
    return suffix[k - 1][0]
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
  /// The least probability of a class.
  let rarest: Double?
  /// For every class the product of those after it, and the sums D of those.
  private let after: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int, wanted: Int) -> Int {
    padded(count) + Lanes.scalarCount * (2 * count + 5) * wanted
  }

  init(of classes: ScaledClasses, rarest: Double, memory: inout Pieces) {
    classCount = classes.noisy
    self.rarest = rarest
    after = memory.takeLanes((2 * classes.count + 5) * classes.wanted)
    cotangent = memory.take(padded(classes.count))
  }

  var count: Int { 3 * classCount }
  var judged: Int { classCount }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let (n, k) = (classCount, classes.wanted)
    let work = after + 2 * n * k
    var sums = Sums(work, k)
    // Those without noise are factors alone.
    for j in n..<classes.count { multiply(sums.product, by: classes, j, k, to: sums.product) }
    for j in (0..<n).reversed() {
      (after + 2 * j * k).update(from: sums.product, count: k)
      (after + (2 * j + 1) * k).update(from: sums.differences, count: k)
      sums.add(classes, j, step: j > 0 ? cotangent[j] - cotangent[j - 1] : 0)
    }
    var bound = 0.0
    for a in 0..<k { bound += sums.product[a][Lanes.scalarCount - 1] }
    sums = Sums(work, k)
    for j in 0..<n {
      let (product, differences) = (after + 2 * j * k, after + (2 * j + 1) * k)
      var (below, above) = (Lanes(), Lanes())
      for a in 0..<k {
        below += sums.differences[a] * product[k - 1 - a]
        above += sums.product[a] * differences[k - 1 - a]
      }
      let density = classes.density[j]
      values[j] = density * (below + above)
      values[n + j] = density * (below - above)
      values[2 * n + j] = values[n + j] * (classes.z[j] + classes.law.location)
      sums.add(classes, j, step: j < n - 1 ? cotangent[j + 1] - cotangent[j] : 0)
    }
    return bound
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

  /// P, U and D.
  private struct Sums {
    let product, densities, differences: UnsafeMutablePointer<Lanes>
    let k: Int

    init(_ memory: UnsafeMutablePointer<Lanes>, _ k: Int) {
      (product, densities, differences, self.k) = (memory, memory + k, memory + 2 * k, k)
      memory.update(repeating: Lanes(), count: 3 * k)
      product[0] = Lanes(repeating: 1)
    }

    /// Goes on from a class to the next one, whose v is `step` further.
    mutating func add(_ classes: ScaledClasses, _ j: Int, step: Double) {
      let (cumulative, survival, density) = (classes.cumulative[j], classes.survival[j], classes.density[j])
      for a in (0..<k).reversed() {
        let lower = Swift.max(a - 1, 0)
        let isFirst = a == 0
        func times(_ here: Lanes, _ below: Lanes) -> Lanes {
          isFirst ? here * cumulative : here * cumulative + below * survival
        }
        let own = density * product[a]
        let moved = differences[a] + step * densities[a]
        let movedBelow = differences[lower] + step * densities[lower]
        differences[a] = times(moved, movedBelow) + step * own
        densities[a] = times(densities[a], densities[lower]) + own
        product[a] = times(product[a], product[lower])
      }
    }
  }
}
