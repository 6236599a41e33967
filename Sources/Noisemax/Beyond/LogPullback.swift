internal import NoiseKernels

/// The gradient of Σ w_i log p_i, p_i the probability that i is the largest:
///
///     Σ_i w_i ∂log p_i/∂μ_j = ∫ (w_j a_j Σ_{i≠j} r_i − r_j Σ_{i≠j} w_i a_i) dx,   a_i = G r_i/p_i, r = f/F.
///
/// a_i is the density of the maximum where i has it, so that nothing is as small as p_i.
///
/// Values: what an entry is summed from; the entry; and the entry for s_j, with the noise ε_j as one more factor.
struct LogPullback: PanelIntegrand {
  let classCount: Int
  let rarest: Double?
  /// w_i/p_i, 0 for classes that do not count.
  let weights: UnsafeMutablePointer<Double>
  /// … of those that are evaluated.
  private let selected: UnsafeMutablePointer<Double>
  /// Of every class r, w a and |w| a; and their sums over the others.
  private let terms, others: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int) -> Int { 2 * padded(count) + Lanes.scalarCount * 6 * count }

  init(of classes: ScaledClasses, rarest: Double, memory: inout Pieces) {
    classCount = classes.noisy
    self.rarest = rarest
    terms = memory.takeLanes(3 * classes.noisy)
    others = memory.takeLanes(3 * classes.noisy)
    weights = memory.take(padded(classes.count))
    selected = memory.take(padded(classes.count))
  }

  var count: Int { 3 * classCount }
  var judged: Int { classCount }
  var usesSurvival: Bool { false }
  /// G has no digits below 2⁻¹⁰²², which is that much beside p.
  var leastContent: Double {
    0x1p-1015 * (0..<classCount).reduce(0) { Swift.max($0, weights[$1].magnitude) }
  }
  var canLeaveOut: Bool { true }

  func select(_ slots: UnsafeBufferPointer<Int>) {
    for (index, slot) in slots.enumerated() { selected[index] = weights[slot] }
  }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let n = classes.noisy
    let weights = n < classCount ? selected : weights
    let product = classes.product(of: 0..<classes.count)
    for j in 0..<n {
      let r = classes.reversedHazard(j)
      let own = product * r
      (terms[3 * j], terms[3 * j + 1], terms[3 * j + 2]) = (r, weights[j] * own, weights[j].magnitude * own)
    }
    writeSumsOverOthers(terms, n, width: 3, to: others)
    for j in 0..<n {
      let (own, others) = (terms + 3 * j, others + 3 * j)
      values[j] = own[2] * others[0] + own[0] * others[2]
      values[n + j] = own[1] * others[0] - own[0] * others[1]
      values[2 * n + j] = values[n + j] * (classes.z[j] + classes.law.location)
    }
    return product[Lanes.scalarCount - 1]
  }

  /// Passes on, for every class with noise, what moves from the one without to it as its logit rises.
  func forEachMeeting(in classes: ScaledClasses, _ body: (_ slot: Int, _ flow: Double) -> Void) {
    let still = classes.noisy
    classes.evaluate(at: PanelNodes(Lanes(), below: DoubleDouble(classes.locations[still])))
    var product = 1.0
    for j in 0..<classCount { product *= classes.cumulative[j][0] }
    for j in 0..<classCount where classes.cumulative[j][0] > 0 {
      let r = classes.density[j][0] / classes.cumulative[j][0]
      body(j, (weights[j] - weights[still]) * product * r)
    }
  }
}

extension ScaledRow {
  /// Replaces cotangents w by the gradient of Σ w_i log p_i in the logits, and writes that in the scales, in the units of the
  /// integrals. A class with log p = −∞ stays where it is.
  func pullLogarithmsBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, scales: UnsafeMutableBufferPointer<Double>,
    logProbabilities: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch
  ) {
    scales.update(repeating: kind == .undefined ? .nan : 0)
    guard kind == .regular, wanted > 0, noisy > 0 else {
      return cotangent.update(repeating: kind == .undefined ? .nan : 0)
    }
    var memory = Pieces(
      of: scratch.reserve(
        2 * taking + ScaledClasses.memory(for: taking)
          + ClassIntegrals.memory(forValues: 3 * noisy, of: taking, under: law)
          + LogPullback.memory(for: taking)))
    // Lanes come first, that they begin with a whole one.
    let classes = classes(memory: &memory)
    let least = logarithm(leastProbability)
    var rarest = 1.0
    for slot in 0..<taking where cotangent[indices[slot]] != 0 && logProbabilities[indices[slot]] >= least {
      rarest = Swift.min(rarest, exponential(logProbabilities[indices[slot]]))
    }
    let pullback = LogPullback(of: classes, rarest: rarest, memory: &memory)
    for slot in 0..<taking {
      let logP = logProbabilities[indices[slot]]
      pullback.weights[slot] = logP >= least ? cotangent[indices[slot]] / exponential(logP) : 0
    }
    let integrals = ClassIntegrals(of: classes, values: 3 * noisy, precision: precision, memory: &memory)
    integrals.integrate(pullback)
    let (inLogits, inScales) = (memory.take(taking), memory.take(taking))
    inLogits.update(repeating: 0, count: taking)
    inScales.update(repeating: 0, count: taking)
    for slot in 0..<noisy {
      inLogits[slot] = integrals.sums[noisy + slot]
      inScales[slot] = integrals.sums[2 * noisy + slot]
    }
    if taking > noisy {
      pullback.forEachMeeting(in: classes) { slot, flow in
        inLogits[slot] += flow
        inLogits[noisy] -= flow
        inScales[slot] += flow * (classes.z[slot][0] + law.location)
        inScales[noisy] -= flow * (law.mean + law.location)
      }
    }
    var deep: [(slot: Int, weight: Double)] = []
    for slot in 0..<taking where logProbabilities[indices[slot]] < least {
      if cotangent[indices[slot]] != 0 { deep.append((slot, cotangent[indices[slot]])) }
    }
    if !deep.isEmpty {
      DeepScaledClasses(of: classes).addGradient(of: deep, toLogits: inLogits, scales: inScales)
    }
    cotangent.update(repeating: 0)
    for slot in 0..<taking {
      cotangent[indices[slot]] = inLogits[slot]
      scales[indices[slot]] = inScales[slot]
    }
  }
}
