internal import NoiseKernels

/// By how much the mean of the sum of the k largest exceeds the means of k given classes.
///
/// If M(x) of the given classes are below x, and N(x) of the others above x,
///
///     E[sum of the k largest] − Σ_given E[X_i] = ∫ E[min(M, N)] dx = ∫ Σ_{b=1…k} P(M ≥ b)·P(N ≥ b) dx.
///
/// No term is negative, so that it has its digits where the given classes are almost certain to be the largest.
struct Excess: PanelIntegrand {
  /// Whether a class is one of those given.
  let given: UnsafeMutablePointer<Double>
  /// P(M ≥ b) and P(N ≥ b).
  private let counts: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int, wanted: Int) -> Int {
    padded(count) + Lanes.scalarCount * 2 * (wanted + 1)
  }

  init(of classes: ScaledClasses, memory: inout Pieces) {
    counts = memory.takeLanes(2 * (classes.wanted + 1))
    given = memory.take(padded(classes.count))
  }

  var count: Int { 1 }
  var judged: Int { 1 }
  var rarest: Double? { 1 }
  var usesNoise: Bool { false }
  /// A given class with noise may lie below one without.
  var endsAtFloor: Bool { false }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let k = classes.wanted
    let (below, above) = (counts, counts + k + 1)
    for counts in [below, above] {
      counts.update(repeating: Lanes(), count: k + 1)
      counts[0] = Lanes(repeating: 1)
    }
    for j in 0..<classes.count {
      let (cumulative, survival) = (classes.cumulative[j], classes.survival[j])
      let isGiven = given[j] != 0
      let (counts, counted) = isGiven ? (below, cumulative) : (above, survival)
      let other = isGiven ? survival : cumulative
      for b in stride(from: k, to: 0, by: -1) { counts[b] = counts[b] * other + counts[b - 1] * counted }
    }
    var sum = Lanes()
    for b in 1...k { sum += below[b] * above[b] }
    values[0] = sum
    // Further down no more of those given are below.
    return below[1][Lanes.scalarCount - 1]
  }
}
