// The losses of one row, and where they and their gradients are computed: `fenchelYoung` and `negativeLogLikelihood`, below.
// The public forms are in `NoisyArgmax+Loss.swift` and `NoisyArgmax+LossSpans.swift`.

/// How far a row of logits is from a target.
public enum Loss: Sendable, Hashable, CaseIterable {
  /// E[max(μ + s·ε)] − E[s·ε] − ⟨μ, y⟩ for a target distribution y: convex in μ, never negative, with the gradient
  /// p − y.
  ///
  /// Under Gumbel noise of scale 1 it is the cross-entropy −Σ y_i log p_i. Under every law it tends to 0 as a target
  /// class becomes certain; for a distribution it is least where p = y, and there it is the law's own entropy. Exact
  /// methods only.
  case fenchelYoung

  /// −Σ y_i log p_i: under every law and by every method the usual likelihood. Its gradient grows with the gap of a rare
  /// target (linearly, under Normal noise) where that of the Fenchel–Young loss stays within 1. It need not be convex. Its
  /// gradient allocates memory for a target below 1e-295.
  ///
  /// A target that cannot win, be it masked or out of the noise's reach, makes it +∞. The gradient there is p − y, that of
  /// the Fenchel–Young loss, so that training goes on.
  case negativeLogLikelihood
}

/// What the losses of a batch come to.
public enum LossReduction: Sendable, Hashable, CaseIterable {
  /// Their mean; 0 where there are no rows.
  case mean
  /// Their sum.
  case sum

  /// What the gradient of a row's loss is multiplied by.
  func factor(rows: Int) -> Double { self == .sum ? 1 : 1 / Double(rows) }

  func value(of losses: some Collection<Double>) -> Double {
    let sum = CompensatedSum(of: losses).value
    return self == .sum || losses.isEmpty ? sum : sum / Double(losses.count)
  }
}

/// What a row should have come out as.
enum LossTarget<Scalar: LogitScalar> {
  case index(Int)
  case distribution(UnsafeBufferPointer<Scalar>)

  /// The weight of a class.
  @inline(__always)
  func weight(of index: Int) -> Double {
    switch self {
    case .index(let target): index == target ? 1 : 0
    case .distribution(let weights): Double(weights[index])
    }
  }

  /// Stops where the target is not one for a row of so many classes.
  func check(for count: Int) {
    switch self {
    case .index(let target):
      require(target >= 0 && target < count, "target \(target) is not a class of a row of \(count)")
    case .distribution(let weights):
      require(
        weights.count == count, "a target of \(weights.count) weights does not fit a row of \(count) classes")
      var sum = 0.0
      for index in weights.indices {
        require(
          weights[index] >= 0,
          "the target's weight \(weights[index]) of class \(index) in a row of \(count) is not 0 or more")
        sum += Double(weights[index])
      }
      require(
        count == 0 || (sum - 1).magnitude <= Scalar.sumTolerance,
        "the weights of a target for a row of \(count) sum to \(sum), not to 1")
    }
  }
}

extension NoisyArgmax {
  /// The loss of one row, and its gradient times a factor, which may be written to the memory of the row itself.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func loss<Scalar: LogitScalar>(
    _ loss: Loss, of row: UnsafeBufferPointer<Scalar>, target: LossTarget<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, times factor: Double, workspace: inout Workspace
  ) -> Double {
    if loss == .fenchelYoung { requireExact("Fenchel–Young loss") }
    target.check(for: row.count)
    switch RowKind(of: row) {
    case .undefined:
      gradient?.update(repeating: .nan)
      return .nan
    case .masked, .certain:
      var winner = -1
      if case .certain(let index) = RowKind(of: row) { winner = index }
      var value = 0.0
      for index in row.indices {
        let isMasked = row[index] == -.infinity
        let weight = target.weight(of: index)
        if index != winner && weight > 0 { value = .infinity }
        gradient?[index] = isMasked ? 0 : Scalar(factor * ((index == winner ? 1 : 0) - weight))
      }
      return value
    case .regular(let top, _):
      return switch loss {
      case .fenchelYoung:
        fenchelYoung(
          row, below: top, target: target, gradient: gradient, times: factor, workspace: &workspace)
      case .negativeLogLikelihood:
        negativeLogLikelihood(
          row, below: top, target: target, gradient: gradient, times: factor, workspace: &workspace)
      }
    }
  }

  /// unit·(excess + Σ y_i·(max μ − μ_i)/unit): no term is negative, so that nothing cancels. Its gradient is p − y.
  @inline(__always)
  private func fenchelYoung<Scalar: LogitScalar>(
    _ row: UnsafeBufferPointer<Scalar>, below top: Double, target: LossTarget<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, times factor: Double, workspace: inout Workspace
  ) -> Double {
    func distance(scale: Double) -> Double {
      meanDistance(of: row, below: top, scale: scale) { target.weight(of: $0) }
    }
    let leader = row.firstIndex { Double($0) == top } ?? 0
    let (p, _, sums) = evaluate(
      row, below: top, for: gradient == nil ? .excess : [.excess, .probabilities], workspace: &workspace)
    var value = unit * (sums.excess + distance(scale: unit))
    // In units of a subnormal scale a distance may be infinite that is not.
    if value == .infinity { value = unit * sums.excess + distance(scale: 1) }
    if let gradient {
      write(p, lessTarget: target, of: row, leader: leader, times: factor, to: gradient)
    }
    return value
  }

  /// The gradient (p − y)·factor of the Fenchel–Young loss; 0 at masked classes. It may be written to the memory of the row
  /// itself.
  @inline(__always)
  private func write<Scalar: LogitScalar>(
    _ p: UnsafeMutableBufferPointer<Double>, lessTarget target: LossTarget<Scalar>,
    of row: UnsafeBufferPointer<Scalar>, leader: Int, times factor: Double,
    to gradient: UnsafeMutableBufferPointer<Scalar>
  ) {
    // The leader's p is 1 less the sum of the others: so p − 1 keeps its digits near certainty.
    var others = CompensatedSum()
    for index in row.indices where index != leader { others.add(p[index]) }
    for index in row.indices {
      let weight = row[index] == -.infinity ? 0 : target.weight(of: index)
      let difference =
        index == leader && p[index] > 0.5 ? (1 - weight) - others.value : p[index] - weight
      gradient[index] = Scalar(factor * difference)
    }
  }

  @inline(__always)
  private func negativeLogLikelihood<Scalar: LogitScalar>(
    _ row: UnsafeBufferPointer<Scalar>, below top: Double, target: LossTarget<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, times factor: Double, workspace: inout Workspace
  ) -> Double {
    let (logarithms, vector, _) = evaluate(
      row, below: top, for: gradient == nil ? .logarithms : [.logarithms, .pullback], workspace: &workspace
    ) { 0 - target.weight(of: $1) }
    var sum = CompensatedSum()
    for index in row.indices {
      let weight = target.weight(of: index)
      if weight > 0 { sum.add(weight * Swift.max(0, 0 - logarithms[index])) }
    }
    guard let gradient else { return sum.value }
    if sum.value == .infinity {
      let leader = row.firstIndex { Double($0) == top } ?? 0
      let (p, _, _) = evaluate(row, below: top, for: .probabilities, workspace: &workspace)
      write(p, lessTarget: target, of: row, leader: leader, times: factor, to: gradient)
    } else {
      // A subnormal unit has no reciprocal.
      for index in row.indices { gradient[index] = Scalar(factor * vector[index] / unit) }
    }
    return sum.value
  }
}
