/// One row of classes that have common factors: argmax(μ + s∘ε + V z), z standard normal of a few dimensions.
///
/// p = E_z p(μ + V z), and so for every derivative: each node of z is a row without factors.
struct FactorRow {
  private let argmax: NoisyArgmax
  let logits: [Double]
  /// Those of every class, or nil for 1.
  let scales: [Double]?
  let axes: FactorAxes
  private let tolerance: Double
  private let isSmooth: Bool
  /// In units of the narrowest noise's deviation.
  private let spreads: [Double]
  private var row: [Double]

  init(
    _ logits: [Double], scales: [Double]?, loadings: [Double], rank: Int, under argmax: NoisyArgmax,
    law: ClassLaw, tolerance: Double
  ) {
    (self.argmax, self.logits, self.scales, self.tolerance) = (argmax, logits, scales, tolerance)
    axes = FactorAxes(loadings, rank: rank, isOpen: logits.map { $0 > -.infinity })
    isSmooth = law.kinks.isEmpty
    let least = logits.indices.filter { logits[$0] > -.infinity }.reduce(Double.infinity) {
      Swift.min($0, scales?[$1] ?? 1)
    }
    let width = law.deviation * argmax.unit * least
    spreads = axes.spreads.map { $0 / width }
    row = logits
  }

  /// Whether the row is like any other: no NaN, no class at +∞, and two open classes.
  var isRegular: Bool {
    if case .regular = logits.withUnsafeBufferPointer({ RowKind(of: $0) }) { return true }
    return false
  }

  /// Means over z of numbers that a body finds for the row at a node.
  private mutating func means(
    units: [Double], areRelative: Bool = false, rarest: Double = 1,
    workspace: inout NoisyArgmax.Workspace,
    _ body: (
      _ row: UnsafeBufferPointer<Double>, _ z: [Double], _ numbers: UnsafeMutablePointer<Double>,
      _ workspace: inout NoisyArgmax.Workspace
    ) -> Void
  ) -> (means: [Double], error: Double, rarest: Double) {
    var integral = FactorIntegral(
      spreads: spreads, tolerance: tolerance, isSmooth: isSmooth, rarest: rarest)
    let (logits, columns) = (logits, axes.columns)
    let (means, error) = row.withUnsafeMutableBufferPointer { row in
      integral.means(units: units, areRelative: areRelative) { z, numbers in
        for index in row.indices {
          var logit = logits[index]
          for axis in z.indices { logit += columns[axis][index] * z[axis] }
          row[index] = logit
        }
        body(UnsafeBufferPointer(row), z, numbers, &workspace)
      }
    }
    return (means, error, integral.rarest)
  }

  /// The probabilities, with the estimated error, absolute or of the logarithms, and about the least of them.
  mutating func probabilities(
    areRelative: Bool, workspace: inout NoisyArgmax.Workspace
  ) -> (means: [Double], error: Double, rarest: Double) {
    let (argmax, scales, n) = (argmax, scales, logits.count)
    return means(units: logits.map { _ in 1 }, areRelative: areRelative, workspace: &workspace) {
      row, _, numbers, workspace in
      argmax.writeProbabilities(
        of: row, scales, to: UnsafeMutableBufferPointer(start: numbers, count: n), workspace: &workspace)
    }
  }

  /// The gradient of Σ v_i p_i, whose error in the logits is measured by a size.
  mutating func pullback(
    of v: [Double], size: Double, rarest: Double, workspace: inout NoisyArgmax.Workspace
  ) -> FactorGradient {
    let (argmax, scales, n, rank) = (argmax, scales, logits.count, axes.rank)
    let withScales = scales == nil ? 0 : n
    let units = [Double](repeating: size, count: n + withScales + rank * n)
    let (values, _, _) = means(units: units, rarest: rarest, workspace: &workspace) {
      row, z, numbers, workspace in
      argmax.writePullback(
        of: row, scales, v, to: UnsafeMutableBufferPointer(start: numbers, count: n + withScales),
        workspace: &workspace)
      for axis in z.indices {
        let start = numbers + n + withScales + axis * n
        for index in 0..<n { start[index] = numbers[index] * z[axis] }
      }
    }
    return gradient(values, withScales: withScales)
  }

  /// E[max] of the perturbed logits, and its gradient.
  mutating func expectedMaximum(
    workspace: inout NoisyArgmax.Workspace
  ) -> (value: Double, gradient: FactorGradient) {
    let (argmax, n, rank) = (argmax, logits.count, axes.rank)
    let units = [argmax.unit] + [Double](repeating: 1, count: n + rank * n)
    let (values, _, _) = means(units: units, workspace: &workspace) { row, z, numbers, workspace in
      numbers[0] = argmax.summary(
        .expectedMaximum, of: row,
        gradient: UnsafeMutableBufferPointer(start: numbers + 1, count: n), workspace: &workspace)
      for axis in z.indices {
        let start = numbers + 1 + n + axis * n
        for index in 0..<n { start[index] = numbers[1 + index] * z[axis] }
      }
    }
    return (values[0], gradient(Array(values[1...]), withScales: 0))
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
