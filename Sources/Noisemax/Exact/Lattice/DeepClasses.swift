/// Log-probabilities of classes so far behind the leader that no table reaches them: each by its own integral.
///
/// log p_i = log ∫ G(x) r(x − μ_i) dx. What the classes have in common, log G, comes from ``TailSums``, at a cost that does
/// not grow with their number. `DeepPeak.swift` finds the peak of the integrand, `DeepIntegral.swift` follows it from there as
/// far as it matters, on cells that are the same for all classes (``DeepCells``). Of many classes ``DeepLogarithms`` integrates
/// some. A gradient takes all that have a cotangent: `DeepGradient.swift`. The mathematics: <doc:Mathematics#Tails>.
final class DeepClasses {
  /// Σ w log F(x − gap) over these is log G(x).
  typealias Source = (gap: Double, weight: Double)

  let scale: TailScale
  /// In descending order.
  let sources: [Source]
  let logG: TailSums
  /// The sources, and on either side of them a node beyond all integrands. An integrand has its peak between the neighbours
  /// of the landmark where it is largest. Log G is NaN until it is needed.
  var landmarks: [(x: Double, logG: Double)]

  /// What is known of the axis, for all integrals.
  let cells = DeepCells()
  /// The cells of the last integral, which have what it is summed from; and the sum.
  var visited: [Int] = []
  var total = 0.0
  /// What may be left out of the sum on either side.
  var least = 0.0
  /// The nodes of a gradient that are no longer in `cells`, upside down.
  var mirrored: [Source] = []
  /// The peaks of the classes that have been integrated, in descending order of their gaps.
  var peaks: [Peak] = []
  /// The peak of the last class, if its log p is the logarithm there and no more.
  var peakAlone: (x: Double, value: Double)?

  init(of row: UnsafeMutableBufferPointer<Double>, scale: TailScale) {
    self.scale = scale
    var sources: [Source] = []
    for gap in row.filter({ $0 > -.infinity }).sorted(by: >) {
      if sources.last?.gap == gap { sources[sources.count - 1].weight += 1 } else { sources.append((gap, 1)) }
    }
    let lowest = (sources.last?.gap ?? 0) + min(scale.lowerEnd, -scale.unit)
    let logG = TailSums(
      of: sources, at: 50 * row.count, downTo: lowest, scale: scale, kernel: scale.logCumulative)
    let landmarks = [max(scale.limit, scale.unit)] + sources.map(\.gap) + [lowest]
    (self.sources, self.logG) = (sources, logG)
    self.landmarks = landmarks.map { ($0, .nan) }
  }
}
