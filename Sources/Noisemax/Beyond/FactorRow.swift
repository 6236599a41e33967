/// One row of classes that have common factors: argmax(μ + s∘ε + V z), z standard normal of a few dimensions.
///
/// p = E_z p(μ + V z), and so for every derivative: each node of z is a row without factors.
struct FactorRow {
  let argmax: NoisyArgmax
  let logits: [Double]
  /// Those of every class, or nil for 1.
  let scales: [Double]?
  let axes: FactorAxes
  private let tolerance: Double
  private let isSmooth: Bool
  /// In units of the narrowest noise's deviation.
  private let spreads: [Double]
  private let law: ClassLaw

  init(
    _ logits: [Double], scales: [Double]?, loadings: [Double], rank: Int, under argmax: NoisyArgmax,
    law: ClassLaw, tolerance: Double
  ) {
    (self.argmax, self.law) = (argmax, law)
    (self.logits, self.scales, self.tolerance) = (logits, scales, tolerance)
    axes = FactorAxes(loadings, rank: rank, isOpen: logits.map { $0 > -.infinity })
    isSmooth = law.kinks.isEmpty
    let least = logits.indices.filter { logits[$0] > -.infinity }.reduce(Double.infinity) {
      Swift.min($0, scales?[$1] ?? 1)
    }
    let width = law.deviation * argmax.unit * least
    // Wider ones take as many nodes, and no step becomes 0.
    spreads = axes.spreads.map { $0 > 0 ? Swift.min($0 / width, 1e90) : 0 }
  }

  /// What the row is without factors: nodes are laid for a regular one.
  var kind: RowKind { logits.withUnsafeBufferPointer { RowKind(of: $0) } }

  var isRegular: Bool {
    if case .regular = kind { return true }
    return false
  }

  /// What an error of a gradient is measured by: the range of cotangents over the scale.
  func size(of v: [Double]) -> Double {
    var (least, largest) = (Double.infinity, -Double.infinity)
    for index in v.indices where logits[index] > -.infinity {
      (least, largest) = (Swift.min(least, v[index]), Swift.max(largest, v[index]))
    }
    return largest > least ? (largest - least) / argmax.scale : 1
  }

  /// Means over z of numbers that a body finds for the classes that count at a node.
  ///
  /// - Parameters:
  ///   - units: what an error of every number is measured by: one for every class, and so again for each further kind.
  ///   - head: how many numbers stand before those of the classes.
  ///   - areRelative: whether the numbers themselves take the place of the units.
  ///   - rarest: the least of the numbers that want the tolerance for themselves, if that is known.
  ///   - v: a number of every class that the body wants.
  ///   - workspace: kept memory.
  ///   - body: writes the numbers of such classes.
  /// - Returns: the means, the estimated error, and about the least of them.
  private func means(
    units: [Double], head: Int = 0, areRelative: Bool = false, rarest: Double = 1, of v: [Double]? = nil,
    workspace: inout NoisyArgmax.Workspace,
    _ body: (
      _ classes: FactorNodes.Near, _ z: [Double], _ numbers: UnsafeMutablePointer<Double>,
      _ workspace: inout NoisyArgmax.Workspace
    ) -> Void
  ) -> (means: [Double], error: Double, rarest: Double) {
    var integral = FactorIntegral(
      spreads: spreads, tolerance: tolerance, isSmooth: isSmooth, rarest: rarest)
    let (argmax, law, n) = (argmax, law, logits.count)
    var nodes = FactorNodes(
      logits: logits, scales: scales, cotangent: v, columns: axes.columns, count: units.count, head: head)
    let (means, error) = withoutActuallyEscaping(body) { body in
      integral.means(units: units, areRelative: areRelative) { negligible, radius in
        nodes.reach = FactorReach(
          under: argmax, law, hasScales: nodes.scales != nil, beyond: negligible / Double(n), radius: radius)
      } forEachPart: { parts, count, work in
        argmax.forEachPart(
          of: RowShape(rowCount: parts, rowLength: n), passes: count / Double(parts), workspace: &workspace
        ) { parts, workspace in
          var memory = NodeMemory(workspace: NoisyArgmax.Workspace(threads: 1))
          swap(&memory.workspace, &workspace)
          for part in parts { work(part, &memory) }
          swap(&memory.workspace, &workspace)
        }
      } evaluate: { z, numbers, memory in
        nodes.evaluate(at: z, to: numbers, &memory, body)
      }
    }
    return (means, error, integral.rarest)
  }

  /// The probabilities, with the estimated error, absolute or of the logarithms, and about the least of them.
  func probabilities(
    areRelative: Bool, workspace: inout NoisyArgmax.Workspace
  ) -> (means: [Double], error: Double, rarest: Double) {
    let argmax = argmax
    return means(units: logits.map { _ in 1 }, areRelative: areRelative, workspace: &workspace) {
      classes, _, numbers, workspace in
      argmax.writeProbabilities(
        of: classes.logits, classes.scales,
        to: UnsafeMutableBufferPointer(start: numbers, count: classes.count), workspace: &workspace)
    }
  }

  /// The gradient of Σ v_i p_i, whose error in the logits is measured by a size.
  func pullback(
    of v: [Double], size: Double, rarest: Double, workspace: inout NoisyArgmax.Workspace
  ) -> FactorGradient {
    let (argmax, n, rank) = (argmax, logits.count, axes.rank)
    let withScales = scales == nil ? 0 : n
    let units = [Double](repeating: size, count: n + withScales + rank * n)
    let (values, _, _) = means(units: units, rarest: rarest, of: v, workspace: &workspace) {
      classes, z, numbers, workspace in
      let count = classes.count * (classes.scales == nil ? 1 : 2)
      argmax.writePullback(
        of: classes.logits, classes.scales, classes.cotangent,
        to: UnsafeMutableBufferPointer(start: numbers, count: count), workspace: &workspace)
      multiply(numbers, classes.count, by: z, to: numbers + count)
    }
    return gradient(values, withScales: withScales)
  }

  /// log p, and the gradient of Σ v_i log p_i.
  func logPullback(
    of v: [Double], workspace: inout NoisyArgmax.Workspace
  ) -> (logs: [Double], gradient: FactorGradient) {
    let (p, _, rarest) = probabilities(areRelative: true, workspace: &workspace)
    let weights = v.indices.map { p[$0] > 1e-290 ? v[$0] / p[$0] : 0 }
    let largest = v.indices.reduce(0) { logits[$1] > -.infinity ? Swift.max($0, v[$1].magnitude) : $0 }
    let gradient = pullback(
      of: weights, size: largest > 0 ? largest / argmax.scale : 1, rarest: rarest, workspace: &workspace)
    return (p.map { logarithm($0) }, gradient)
  }

  /// E[max] of the perturbed logits, and its gradient.
  func expectedMaximum(
    workspace: inout NoisyArgmax.Workspace
  ) -> (value: Double, gradient: FactorGradient) {
    let (argmax, n, rank) = (argmax, logits.count, axes.rank)
    let withScales = scales == nil ? 0 : n
    var units = [Double](repeating: 1, count: 1 + n + withScales + rank * n)
    for index in [0] + (1 + n..<1 + n + withScales) { units[index] = argmax.unit }
    let (values, _, _) = means(units: units, head: 1, workspace: &workspace) {
      classes, z, numbers, workspace in
      let count = classes.count * (classes.scales == nil ? 1 : 2)
      numbers[0] = argmax.expectedMaximum(
        of: classes.logits, classes.scales,
        gradient: UnsafeMutableBufferPointer(start: numbers + 1, count: count), workspace: &workspace)
      multiply(numbers + 1, classes.count, by: z, to: numbers + 1 + count)
    }
    return (values[0], gradient(Array(values[1...]), withScales: withScales))
  }

  private func gradient(_ values: [Double], withScales: Int) -> FactorGradient {
    let n = logits.count
    var gradient = FactorGradient(logits: Array(values[..<n]), scales: [], loadings: [], inScale: 0)
    gradient.scales = Array(values[n..<n + withScales])
    for index in 0..<n {
      let turned = (0..<axes.rank).map { values[n + withScales + $0 * n + index] }
      gradient.loadings += axes.loadings(from: turned)
    }
    // Logits and loadings that are drawn together act as a larger scale.
    let top = logits.max() ?? 0
    var sum = CompensatedSum()
    for index in 0..<n where logits[index] > -.infinity {
      sum.add((logits[index] - top) * values[index])
      for axis in 0..<axes.rank {
        sum.add(axes.columns[axis][index] * values[n + withScales + axis * n + index])
      }
    }
    gradient.inScale = -sum.value / argmax.scale
    return gradient
  }
}

/// Writes a gradient in the logits times each coordinate of z, axis after axis: the gradient in the loadings at a node.
private func multiply(
  _ gradient: UnsafePointer<Double>, _ count: Int, by z: [Double], to result: UnsafeMutablePointer<Double>
) {
  for axis in z.indices {
    for index in 0..<count { result[axis * count + index] = gradient[index] * z[axis] }
  }
}

/// The gradient of a number in everything that a row with common factors has.
struct FactorGradient {
  var logits: [Double]
  /// Empty unless every class has its own.
  var scales: [Double]
  /// Class after class.
  var loadings: [Double]
  /// In the transform's own scale, for what depends on logits, loadings and scale only by their ratios.
  var inScale: Double

  static func zero(_ n: Int, rank: Int, withScales: Bool, _ value: Double) -> FactorGradient {
    FactorGradient(
      logits: [Double](repeating: value, count: n),
      scales: [Double](repeating: value, count: withScales ? n : 0),
      loadings: [Double](repeating: value, count: rank * n), inScale: value)
  }
}
