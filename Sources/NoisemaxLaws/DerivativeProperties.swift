import Noisemax

/// One property of derivatives: a name, and what is wrong on a row and its Jacobian ∂p_i/∂μ_j, if anything.
struct DerivativeProperty<Scalar: LogitScalar> {
  let name: String
  let violation: (Derivatives<Scalar>, _ row: [Scalar], _ jacobian: [[Scalar]], inout SplitMix64) -> String?
}

extension Derivatives {
  /// Everything that is checked of these derivatives.
  var properties: [DerivativeProperty<Scalar>] {
    var properties: [DerivativeProperty<Scalar>] = [.edges, .masks, .sums]
    if isConservative { properties += [.symmetry, .semidefiniteness] }
    if !losses.isEmpty { properties.append(.losses) }
    if softmaxScale != nil { properties.append(.closedForms) }
    // Differences of Float values say nothing.
    guard Scalar.self == Double.self else { return properties }
    properties.append(.differences)
    if logPullback != nil && logProbabilities != nil { properties.append(.logDifferences) }
    if potential != nil { properties.append(.potential) }
    if !losses.isEmpty { properties.append(.lossDifferences) }
    return properties
  }
}

/// The accuracy of derivatives in one precision.
private enum Bounds<Scalar: LogitScalar> {
  static var isDouble: Bool { Scalar.significandBitCount > 23 }
  /// The error of an entry, relative to what it is made of (Double), or to the largest of its row (Float).
  static var accuracy: Scalar { isDouble ? 1e-11 : 1e-5 }
  static var smallest: Scalar { isDouble ? 1e-300 : 1e-37 }
}

extension DerivativeProperty {
  /// Rows with a NaN have NaN, and rows where nothing can move have zeros.
  static var edges: Self {
    Self(name: "edges of derivatives") { derivatives, row, jacobian, _ in
      if let wrong = jacobian.first(where: { $0.count != row.count }) {
        return "\(row.count) logits got \(wrong.count) derivatives"
      }
      let certain = row.filter { $0 == .infinity }.count
      let open = row.filter { $0 > -.infinity }.count
      if row.contains(where: { $0.isNaN }) || certain > 1 {
        return jacobian.allSatisfy { $0.allSatisfy(\.isNaN) }
          ? nil : "expected NaN everywhere, got \(jacobian)"
      }
      guard certain == 1 || open <= 1 else { return nil }
      return jacobian.allSatisfy { $0.allSatisfy { $0 == 0 } } ? nil : "expected zeros, got \(jacobian)"
    }
  }

  /// A masked class neither moves nor is moved.
  static var masks: Self {
    Self(name: "masks in derivatives") { _, row, jacobian, _ in
      guard isOrdinary(row) else { return nil }
      for i in row.indices {
        for j in row.indices where row[i] == -.infinity || row[j] == -.infinity {
          if jacobian[i][j] != 0 { return "∂p/∂μ of classes \(i) and \(j) is \(jacobian[i][j])" }
        }
      }
      return nil
    }
  }

  /// A shift of all logits moves nothing, so that what a cotangent is pulled back to sums to zero.
  static var sums: Self {
    Self(name: "rows that sum to zero") { derivatives, row, jacobian, generator in
      guard isOrdinary(row) else { return nil }
      let cotangent = row.map { _ in Scalar(generator.number(in: -1...1)) }
      var images = [("J", jacobian), ("Jᵀv", [derivatives.pullback(row, cotangent)])]
      if let logPullback = derivatives.logPullback {
        images.append(("d⟨v, log p⟩", [logPullback(row, cotangent)]))
      }
      for (name, rows) in images {
        for (index, image) in rows.enumerated() {
          let sum = image.reduce(0, +)
          let content = image.reduce(0) { $0 + $1.magnitude }
          // The slopes of log p may be beyond the range of Float. NaN fails.
          if content == .infinity && !image.contains(where: \.isNaN) { continue }
          if !(sum.magnitude <= 4 * Bounds<Scalar>.accuracy * content + Bounds<Scalar>.smallest) {
            return "row \(index) of \(name), \(image), sums to \(sum)"
          }
        }
      }
      return nil
    }
  }

  static var symmetry: Self {
    Self(name: "symmetry of the Jacobian") { _, row, jacobian, _ in
      guard isOrdinary(row) else { return nil }
      for i in row.indices {
        for j in 0..<i {
          let (a, b) = (jacobian[i][j], jacobian[j][i])
          let size =
            Bounds<Scalar>.isDouble
            ? max(a.magnitude, b.magnitude)
            : (jacobian[i] + jacobian[j]).reduce(0) { max($0, $1.magnitude) }
          if !((a - b).magnitude <= 2 * Bounds<Scalar>.accuracy * size + Bounds<Scalar>.smallest) {
            return "∂p/∂μ of classes \(i) and \(j) is \(a) one way and \(b) the other"
          }
        }
      }
      return nil
    }
  }

  /// ⟨v, J v⟩ is never negative: no class gains by the rise of another.
  static var semidefiniteness: Self {
    Self(name: "positive semidefiniteness") { derivatives, row, jacobian, generator in
      guard isOrdinary(row) else { return nil }
      for i in row.indices {
        for j in row.indices where i != j && jacobian[i][j] > 0 {
          return "∂p_\(i)/∂μ_\(j) is \(jacobian[i][j])"
        }
      }
      let v = row.map { _ in Scalar(generator.number(in: -1...1)) }
      let image = derivatives.pullback(row, v)
      var (form, content) = (Scalar(0), Scalar(0))
      for (a, b) in zip(v, image) {
        form += a * b
        content += (a * b).magnitude
      }
      return form >= -8 * Bounds<Scalar>.accuracy * content ? nil : "⟨v, J v⟩ is \(form) for v = \(v)"
    }
  }

  /// Losses are never negative, and their gradients sum to zero, negative for the target alone.
  static var losses: Self {
    Self(name: "losses") { derivatives, row, _, generator in
      guard isOrdinary(row), let target = openClass(of: row, using: &generator) else { return nil }
      for (name, loss) in derivatives.losses.sorted(by: { $0.key < $1.key }) {
        let (value, gradient) = loss(row, target)
        if !(value >= 0) { return "the \(name) loss for target \(target) is \(value)" }
        guard value.isFinite else { continue }
        let content = gradient.reduce(0) { $0 + $1.magnitude }
        if !(gradient.reduce(0, +).magnitude <= 4 * Bounds<Scalar>.accuracy * content
          + Bounds<Scalar>.smallest)
        {
          return "the gradient of the \(name) loss for target \(target) is \(gradient)"
        }
        if derivatives.isConservative,
          let rising = row.indices.first(where: {
            $0 == target ? gradient[$0] > 0 : gradient[$0] < 0
          })
        {
          return
            "entry \(rising) of the gradient of the \(name) loss for target \(target) is \(gradient[rising])"
        }
      }
      return nil
    }
  }

  /// Under Gumbel noise J is (diag p − p pᵀ)/s, the gradient of ⟨v, log p⟩ is (v − p·Σv)/s, and both losses are
  /// −log p, the Fenchel–Young loss times the scale.
  static var closedForms: Self {
    Self(name: "closed forms of softmax") { derivatives, row, jacobian, generator in
      guard isOrdinary(row), let scale = derivatives.softmaxScale else { return nil }
      let top = Double(row.max() ?? 0)
      if top == .infinity { return nil }
      let gaps = row.map { (Double($0) - top) / scale }
      let total = gaps.reduce(0) { $0 + exponential($1) }
      let p = gaps.map { exponential($0) / total }
      let accuracy = Double(Bounds<Scalar>.accuracy)
      func isWrong(_ value: Scalar, _ truth: Double, content: Double) -> Bool {
        !((Double(value) - truth).magnitude <= accuracy * content + Double(Bounds<Scalar>.smallest))
      }
      for i in row.indices {
        for j in row.indices where i != j {
          let truth = -p[i] * p[j] / scale
          let content = Bounds<Scalar>.isDouble ? -truth : 1 / scale
          if isWrong(jacobian[i][j], truth, content: content) {
            return "∂p/∂μ of classes \(i) and \(j) is \(jacobian[i][j]), not \(truth)"
          }
        }
      }
      if let logPullback = derivatives.logPullback {
        // A gap beyond the range of Double is a mask.
        let v = gaps.map { $0 == -.infinity ? 0 : generator.number(in: -1...1) }
        let sum = v.reduce(0, +)
        for (i, value) in logPullback(row, v.map { Scalar($0) }).enumerated() {
          let truth = (v[i] - p[i] * sum) / scale
          if isWrong(value, truth, content: Double(row.count) / scale) {
            return "entry \(i) of d⟨v, log p⟩ for v = \(v) is \(value), not \(truth)"
          }
        }
      }
      guard let target = openClass(of: row, using: &generator) else { return nil }
      let others = row.indices.reduce(0) { $1 == target ? $0 : $0 + exponential(gaps[$1] - gaps[target]) }
      let logarithm = others == .infinity ? logarithm(total) - gaps[target] : logarithmOfOnePlus(others)
      for (name, loss) in derivatives.losses.sorted(by: { $0.key < $1.key }) {
        let truth = name == "\(Loss.fenchelYoung)" ? logarithm * scale : logarithm
        let value = loss(row, target).value
        if isWrong(value, truth, content: truth) && Scalar(truth).isFinite {
          return "the \(name) loss for target \(target) is \(value), not \(truth)"
        }
      }
      return nil
    }
  }

  // MARK: finite differences

  static var differences: Self {
    Self(name: "finite differences") { derivatives, row, _, generator in
      let v = row.map { _ in generator.number(in: -1...1) }
      return difference(
        at: row, of: "⟨v, p⟩ for v = \(v)", gradient: { derivatives.pullback($0, v.map { Scalar($0) }) },
        using: &generator
      ) { row in
        zip(v, derivatives.probabilities(row)).reduce(0) { $0 + $1.0 * Double($1.1) }
      }
    }
  }

  static var logDifferences: Self {
    Self(name: "finite differences of log-probabilities") { derivatives, row, _, generator in
      guard let logProbabilities = derivatives.logProbabilities, let logPullback = derivatives.logPullback
      else {
        return nil
      }
      // Classes that cannot win, or hardly, stay out: −∞ has no differences.
      let v = zip(row, logProbabilities(row)).map { _, log in log > -1e4 ? generator.number(in: -1...1) : 0 }
      return difference(
        at: row, of: "⟨v, log p⟩ for v = \(v)", gradient: { logPullback($0, v.map { Scalar($0) }) },
        using: &generator
      ) { row in
        zip(v, logProbabilities(row)).reduce(0) { $1.0 == 0 ? $0 : $0 + $1.0 * Double($1.1) }
      }
    }
  }

  /// The probabilities are the gradient of the potential.
  static var potential: Self {
    Self(name: "gradient of the potential") { derivatives, row, _, generator in
      guard let potential = derivatives.potential else { return nil }
      return difference(
        at: row, of: "the potential", gradient: derivatives.probabilities, using: &generator
      ) { Double(potential($0)) }
    }
  }

  static var lossDifferences: Self {
    Self(name: "finite differences of losses") { derivatives, row, _, generator in
      guard let target = openClass(of: row, using: &generator) else { return nil }
      for (name, loss) in derivatives.losses.sorted(by: { $0.key < $1.key }) {
        let violation = difference(
          at: row, of: "the \(name) loss for target \(target)", gradient: { loss($0, target).gradient },
          using: &generator
        ) { Double(loss($0, target).value) }
        if let violation { return violation }
      }
      return nil
    }
  }

  /// What is wrong with a gradient in a random direction, judged by central differences in steps of 1e-4 and half of
  /// that: how far these are apart says what they are worth, also next to a kink.
  private static func difference(
    at row: [Scalar], of name: String, gradient: ([Scalar]) -> [Scalar], using generator: inout SplitMix64,
    _ value: ([Scalar]) -> Double
  ) -> String? {
    let open = row.filter { $0 > -.infinity }
    // Steps must be seen beside the logits.
    guard isOrdinary(row), open.count > 1, open.allSatisfy({ $0.magnitude <= 1e4 }) else { return nil }
    let direction = row.map { $0 == -.infinity ? 0 : Scalar(generator.number(in: -1...1)) }
    func values(_ step: Scalar) -> (Double, Double) {
      (
        value(zip(row, direction).map { $1 == 0 ? $0 : $0 + step * $1 }),
        value(zip(row, direction).map { $1 == 0 ? $0 : $0 - step * $1 })
      )
    }
    let (whole, half) = (values(1e-4), values(0.5e-4))
    let (coarse, fine) = ((whole.0 - whole.1) / 2e-4, (half.0 - half.1) / 1e-4)
    guard coarse.isFinite && fine.isFinite else { return nil }
    let slope = zip(gradient(row), direction).reduce(0.0) {
      $1.1 == 0 ? $0 : $0 + Double($1.0) * Double($1.1)
    }
    let size = max(whole.0.magnitude, whole.1.magnitude, fine.magnitude, 1)
    let bound = 1e-6 * size + 4 * (coarse - fine).magnitude
    return (slope - fine).magnitude <= bound
      ? nil : "the gradient of \(name) along \(direction) is \(slope), differences say \(fine)"
  }

  /// A random class that is not masked.
  private static func openClass(of row: [Scalar], using generator: inout SplitMix64) -> Int? {
    let open = row.indices.filter { row[$0] > -.infinity }
    return open.isEmpty ? nil : open[generator.integer(in: 0...open.count - 1)]
  }
}
