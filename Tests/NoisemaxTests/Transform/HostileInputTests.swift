import Noisemax
import Testing

/// Logits, scales, cotangents, targets and shapes of any bits go through every pass under every law, and come out as
/// promised.
@Suite struct HostileInputTests {
  /// How many batches every law meets, by every method and in each precision.
  private static var trials: Int { isDebugBuild ? 5 : 60 }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func everyBitPatternIsTaken(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    for (number, method) in [NoisyArgmax.Method.exact, .quantileRule(points: 3)].enumerated() {
      var numbers = HostileNumbers(seed: UInt64(number))
      let argmax = NoisyArgmax(noise, method: method)
      for trial in 0..<Self.trials {
        let scale = trial % 3 == 0 ? 1 : numbers.positive()
        check(NoisyArgmax(argmax, scale: scale), of: Double.self, &numbers)
        check(NoisyArgmax(argmax, scale: scale), of: Float.self, &numbers)
      }
    }
  }

  private func check<Scalar: LogitScalar>(
    _ argmax: NoisyArgmax, of type: Scalar.Type, _ numbers: inout HostileNumbers
  ) {
    let longest = numbers.integer(in: 0...19) == 0 ? 70 : 9
    let rowLength = numbers.integer(in: 0...longest)
    let rows = rowLength == 0 ? 0 : numbers.integer(in: 0...3)
    let logits = (0..<rows).flatMap { _ in numbers.row(count: rowLength, of: type) }
    let isTame = numbers.flip()
    let unit = Scalar(sign: .plus, exponent: numbers.smallExponent(of: type), significand: 1)
    // That of a masked class does not count, whatever it is.
    let cotangent = logits.map { logit in
      isTame && logit != -.infinity
        ? unit * Scalar(numbers.integer(in: -8...8)) : numbers.bits(of: type)
    }
    let passes = HostilePasses(
      argmax: argmax, logits: logits, rowLength: rowLength, cotangent: cotangent, isTame: isTame)
    for violation in passes.violations(&numbers) {
      Issue.record(
        "\(argmax.noise), \(argmax.method), scale \(argmax.scale), \(type): \(violation); rows of \(rowLength): \(logits), cotangent \(cotangent)"
      )
    }
  }
}

/// Every pass over one batch, and what of it is not as promised.
private struct HostilePasses<Scalar: LogitScalar> {
  let argmax: NoisyArgmax
  let logits: [Scalar]
  let rowLength: Int
  let cotangent: [Scalar]
  /// Whether the cotangents are numbers that leave no room for overflow.
  let isTame: Bool

  private var rows: [[Scalar]] {
    slots(rowLength: rowLength, count: logits.count).map { Array(logits[$0]) }
  }

  func violations(_ numbers: inout HostileNumbers) -> [String] {
    var violations = checkRows(named: "probabilities", probabilities(), probabilityViolation)
    violations += checkRows(named: "log-probabilities", logProbabilities(), logProbabilityViolation)
    violations += checkRows(named: "pullback", pullback(), gradientViolation)
    violations += checkRows(named: "log pullback", logPullback(), gradientViolation)
    for row in rows {
      violations += learningViolations(of: row, &numbers).map { "\($0) of \(row)" }
      violations += drawViolations(of: row, &numbers).map { "\($0) of \(row)" }
    }
    return violations
  }

  // MARK: - Rows in, rows out

  private func probabilities() -> ([Scalar], Bool) {
    var workspace = NoisyArgmax.Workspace(threads: 2)
    return guarded(logits.map { _ in 3 }) { span in
      argmax.writeProbabilities(for: logits.span, rowLength: rowLength, to: &span, workspace: &workspace)
    }
  }

  private func logProbabilities() -> ([Scalar], Bool) {
    var workspace = NoisyArgmax.Workspace(threads: 2)
    return guarded(logits.map { _ in 3 }) { span in
      argmax.writeLogProbabilities(for: logits.span, rowLength: rowLength, to: &span, workspace: &workspace)
    }
  }

  private func pullback() -> ([Scalar], Bool) {
    var workspace = NoisyArgmax.Workspace(threads: 2)
    return guarded(logits.map { _ in 3 }) { span in
      argmax.writePullback(
        for: logits.span, of: cotangent.span, rowLength: rowLength, to: &span, workspace: &workspace)
    }
  }

  private func logPullback() -> ([Scalar], Bool) {
    var workspace = NoisyArgmax.Workspace(threads: 2)
    return guarded(logits.map { _ in 3 }) { span in
      argmax.writeLogProbabilitiesPullback(
        for: logits.span, of: cotangent.span, rowLength: rowLength, to: &span, workspace: &workspace)
    }
  }

  private func checkRows(
    named name: String, _ result: (values: [Scalar], isIntact: Bool),
    _ violation: (_ row: [Scalar], _ result: [Scalar]) -> String?
  ) -> [String] {
    var violations = result.isIntact ? [] : ["\(name) written beyond their place"]
    for slots in slots(rowLength: rowLength, count: logits.count) {
      let (row, values) = (Array(logits[slots]), Array(result.values[slots]))
      let isUndefined = Kind(of: row) == .undefined
      if isUndefined != values.allSatisfy(\.isNaN) && !row.isEmpty && (isUndefined || isTame) {
        violations.append("\(name) \(values) of \(row)")
      } else if !isUndefined, let text = violation(row, values) {
        violations.append("\(name) \(values) of \(row): \(text)")
      }
    }
    return violations
  }

  private func probabilityViolation(_ row: [Scalar], _ p: [Scalar]) -> String? {
    guard p.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { return "not in 0...1" }
    let sum = p.reduce(0.0) { $0 + Double($1) }
    let bound = Scalar.significandBitCount <= 23 ? 2e-6 : 1e-14
    switch Kind(of: row) {
    case .masked: return sum == 0 ? nil : "no class is open"
    case .certain(let index): return p[index] == 1 && sum == 1 ? nil : "class \(index) is certain"
    default:
      if zip(row, p).contains(where: { $0 == -.infinity && $1 != 0 }) { return "a masked class" }
      return (sum - 1).magnitude <= bound ? nil : "their sum is \(sum)"
    }
  }

  private func logProbabilityViolation(_ row: [Scalar], _ logP: [Scalar]) -> String? {
    guard logP.allSatisfy({ $0 <= 0 }) else { return "not at most 0" }
    switch Kind(of: row) {
    case .masked: return logP.allSatisfy { $0 == -.infinity } ? nil : "no class is open"
    case .certain(let index):
      return logP[index] == 0 && logP.count { $0 == -.infinity } == row.count - 1
        ? nil : "class \(index) is certain"
    default: return zip(row, logP).contains { $0 == -.infinity && $1 > $0 } ? "a masked class" : nil
    }
  }

  private func gradientViolation(_ row: [Scalar], _ gradient: [Scalar]) -> String? {
    if isTame && gradient.contains(where: \.isNaN) { return "NaN" }
    if Kind(of: row).isFixed { return gradient.allSatisfy { $0 == 0 } ? nil : "no class can change" }
    let masked = zip(row, gradient).contains { $0 == -.infinity && $1 != 0 }
    return isTame && masked ? "a masked class" : nil
  }

  // MARK: - Losses, entropy, expected maximum

  private func learningViolations(of row: [Scalar], _ numbers: inout HostileNumbers) -> [String] {
    var violations: [String] = []
    let isUndefined = Kind(of: row) == .undefined
    func take(_ name: String, _ value: Scalar, _ result: (values: [Scalar], isIntact: Bool)? = nil) {
      if value.isNaN != isUndefined || value < 0 { violations.append("\(name) \(value)") }
      guard let result else { return }
      if !result.isIntact { violations.append("\(name)'s gradient written beyond its place") }
      if isUndefined && !result.values.allSatisfy(\.isNaN) {
        violations.append("\(name)'s gradient \(result.values)")
      }
      if !isUndefined && value.isFinite && result.values.contains(where: \.isNaN) {
        violations.append("\(name)'s gradient \(result.values) beside the value \(value)")
      }
    }
    let target = numbers.integer(in: 0...row.count - 1)
    let weights = numbers.distribution(count: row.count, of: Scalar.self)
    let isExact = argmax.method == .exact
    for loss in isExact ? Loss.allCases : [.negativeLogLikelihood] {
      var (value, other): (Scalar, Scalar) = (0, 0)
      var workspace = NoisyArgmax.Workspace()
      let gradient = guarded(row) { span in
        value = argmax.formLossGradient(
          in: &span, rowLength: row.count, targets: [target].span, as: loss, workspace: &workspace)
      }
      take("\(loss) at \(target)", value, gradient)
      let distributed = guarded(row) { span in
        other = argmax.writeLossGradient(
          for: row.span, rowLength: row.count, targets: weights.span, as: loss, to: &span,
          workspace: &workspace)
      }
      take("\(loss) at \(weights)", other, distributed)
    }
    if case .quantileRule(_, normalized: false) = argmax.method { return violations }
    for summary in [Summary.shannonEntropy, .divergenceFromUniform] + (isExact ? [.generalizedEntropy] : []) {
      var value: [Scalar] = [0]
      var workspace = NoisyArgmax.Workspace()
      let gradient = guarded(row) { span in
        var values = value.mutableSpan
        argmax.writeGradients(of: summary, for: row.span, to: &span, values: &values, workspace: &workspace)
      }
      take("\(summary)", value[0], gradient)
    }
    let (divergence, one, other) = argmax.divergenceWithGradients(for: row, from: row.reversed())
    take("divergence", divergence, (one, true))
    take("divergence from others", divergence, (other, true))
    guard isExact else { return violations }
    let maximum = argmax.expectedMaximum(for: row)
    if maximum.isNaN != row.contains(where: \.isNaN) { violations.append("expected maximum \(maximum)") }
    return violations
  }

  // MARK: - Draws

  private func drawViolations(of row: [Scalar], _ numbers: inout HostileNumbers) -> [String] {
    var violations: [String] = []
    var generator = StreamGenerator(seed: UInt64(numbers.integer(in: 0...1 << 40)))
    let open = Set(row.indices.filter { row[$0] > -.infinity })
    let kind = Kind(of: row)
    let canWin = kind == .undefined ? [] : kind.winner.map { [$0] } ?? open
    let index = argmax.randomIndex(for: row, using: &generator)
    if index.map({ !canWin.contains($0) }) ?? !canWin.isEmpty {
      violations.append("index \(String(describing: index))")
    }
    let wanted = numbers.integer(in: 0...row.count + 1)
    let ranked = argmax.randomIndices(for: row, distinct: wanted, using: &generator)
    if Set(ranked).count != ranked.count || !open.isSuperset(of: ranked) || ranked.count > wanted {
      violations.append("distinct \(wanted): \(ranked)")
    }
    let temperature = numbers.integer(in: 0...3) == 0 ? 0 : numbers.positive()
    let sample = argmax.relaxedSample(for: row, temperature: temperature, using: &generator)
    if kind == .undefined {
      if !sample.value.allSatisfy(\.isNaN) { violations.append("relaxed sample \(sample.value)") }
    } else {
      let sum = sample.value.reduce(0.0) { $0 + Double($1) }
      let expected: Double = canWin.isEmpty ? 0 : 1
      if !sample.value.allSatisfy({ $0 >= 0 && $0 <= 1 }) || (sum - expected).magnitude > 1e-5 {
        violations.append("relaxed sample \(sample.value) at temperature \(temperature)")
      }
    }
    _ = sample.pullback(of: Array(cotangent.prefix(row.count)))
    return violations
  }

  /// What a row promises, told without the library's help.
  enum Kind: Equatable {
    case undefined, masked, regular
    case certain(Int)

    init(of row: [Scalar]) {
      let leaders = row.indices.filter { row[$0] == .infinity }
      let open = row.indices.filter { row[$0] > -.infinity }
      if row.contains(where: \.isNaN) || leaders.count > 1 {
        self = .undefined
      } else if let first = leaders.first ?? (open.count == 1 ? open[0] : nil) {
        self = .certain(first)
      } else {
        self = open.isEmpty ? .masked : .regular
      }
    }

    var winner: Int? { if case .certain(let index) = self { index } else { nil } }

    /// Whether no small change of the logits changes anything.
    var isFixed: Bool { winner != nil || self == .masked }
  }
}

private func slots(rowLength: Int, count: Int) -> [Range<Int>] {
  rowLength == 0 ? [] : stride(from: 0, to: count, by: rowLength).map { $0..<$0 + rowLength }
}
