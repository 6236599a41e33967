// The probability that the perturbed logits come in a given order, and the ranking loss.

extension NoisyArgmax {
  /// log P(X_a > X_b > … > X_m > all others), X = μ + s·s_i·ε: the logarithm of the probability that the classes of an ordering
  /// come first, in this order.
  ///
  /// ```swift
  /// argmax.orderingLogProbability(for: [2, 1, 0.5, -1], ordering: [0, 2])     // 0 first, then 2
  /// ```
  ///
  /// The ordering may be a full ranking, or begin one. Under Gumbel noise of one scale that is the Plackett–Luce model, in
  /// closed form; under Normal noise Thurstone's.
  ///
  /// Accuracy: 1e-11 relative in the probability, also where many likely steps make it underflow. Where a single step is rarer
  /// than 1e-290 digits are lost, and below that the logarithm may be far off; Plackett–Luce has no such limit. Cost: some 600
  /// evaluations of every class, and for each index of the ordering 16 multiplications more.
  ///
  /// - Parameters:
  ///   - logits: μ of one row; −∞ masks a class.
  ///   - ordering: the indices of different classes, the first one first; at least one.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``, above 0; 1 unless said
  ///     otherwise.
  /// - Returns: −∞ where the ordering is impossible, as with a masked class; NaN for a row with a NaN or several +∞.
  /// - Precondition: the method is exact, and the indices are different ones of the row.
  public func orderingLogProbability<Scalar: LogitScalar>(
    for logits: [Scalar], ordering: [Int], scales: [Scalar]? = nil
  ) -> Scalar {
    let value = rankingLoss(for: logits, ordering: ordering, scales: scales)
    return value == 0 ? 0 : -value
  }

  /// −log P of an ordering: the likelihood loss of a ranking. See ``orderingLogProbability(for:ordering:scales:)``.
  public func rankingLoss<Scalar: LogitScalar>(
    for logits: [Scalar], ordering: [Int], scales: [Scalar]? = nil
  ) -> Scalar {
    Scalar(ranking(Ranking(logits, ordering, scales), classLaw(for: "orderings"), isWanted: false).loss)
  }

  /// The ranking loss, and its gradient in the logits.
  ///
  /// A class of the ordering moves against its two neighbours, the last one against all others. Where the loss is +∞ the
  /// gradient is 0.
  ///
  /// - Precondition: as for ``orderingLogProbability(for:ordering:scales:)``.
  public func rankingLossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], ordering: [Int]
  ) -> (value: Scalar, gradient: [Scalar]) {
    let (loss, gradient) = ranking(
      Ranking(logits, ordering, nil as [Scalar]?), classLaw(for: "orderings"), isWanted: true)
    return (Scalar(loss), scalars(gradient.logits))
  }

  /// The ranking loss where every class has a scale of its own, and its gradients in the logits and in the scales.
  ///
  /// - Precondition: as for ``orderingLogProbability(for:ordering:scales:)``.
  public func rankingLossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], scales: [Scalar], ordering: [Int]
  ) -> (value: Scalar, logits: [Scalar], scales: [Scalar]) {
    let (loss, gradient) = ranking(
      Ranking(logits, ordering, scales), classLaw(for: "orderings"), isWanted: true)
    return (Scalar(loss), scalars(gradient.logits), scalars(gradient.scales))
  }

  /// The mean ranking loss of the rows, or the sum, with an ordering for each.
  ///
  /// - Precondition: there is an ordering for every row, and the scales have the shape of the rows.
  public func rankingLoss<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, orderings: [[Int]], scales: Rows<Scalar>? = nil, reduction: LossReduction = .mean
  ) -> Scalar {
    rankings(of: rows, orderings, scales, reduction, isWanted: false).value
  }

  /// The mean ranking loss of the rows, or the sum, and its gradient in the logits.
  ///
  /// - Precondition: there is an ordering for every row.
  public func rankingLossWithGradient<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, orderings: [[Int]], reduction: LossReduction = .mean
  ) -> (value: Scalar, gradient: Rows<Scalar>) {
    let (value, gradient, _) = rankings(of: rows, orderings, nil, reduction, isWanted: true)
    return (value, Rows(gradient, rows.shape))
  }

  /// The mean ranking loss of the rows, or the sum, where every class has a scale of its own, and its gradients in the logits
  /// and in the scales.
  ///
  /// - Precondition: there is an ordering for every row, and the scales have the shape of the rows.
  public func rankingLossWithGradient<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, scales: Rows<Scalar>, orderings: [[Int]], reduction: LossReduction = .mean
  ) -> (value: Scalar, logits: Rows<Scalar>, scales: Rows<Scalar>) {
    let (value, logits, inScales) = rankings(of: rows, orderings, scales, reduction, isWanted: true)
    return (value, Rows(logits, rows.shape), Rows(inScales, rows.shape))
  }
}

/// One row with an ordering, in Double.
private struct Ranking {
  let logits, scales: [Double]
  let ordering: [Int]
  let precision: Precision
  /// Whether all scales are 1.
  let isPlain: Bool

  init<Scalar: LogitScalar>(_ logits: [Scalar], _ ordering: [Int], _ scales: [Scalar]?) {
    self.logits = logits.map { Double($0) }
    self.ordering = ordering
    precision = Precision(of: Scalar.self)
    isPlain = scales == nil
    self.scales = scales?.map { Double($0) } ?? [Double](repeating: 1, count: logits.count)
    require(
      self.scales.count == logits.count,
      "a row of \(logits.count) logits does not fit scales of \(self.scales.count) places")
    for (index, scale) in self.scales.enumerated() {
      require(
        scale > 0 && scale.isFinite,
        "in an ordering the scale of class \(index) is finite and above 0, not \(scale)")
    }
    require(!ordering.isEmpty || logits.isEmpty, "an ordering has at least one class")
    var isPlaced = [Bool](repeating: false, count: logits.count)
    for index in ordering {
      require(
        index >= 0 && index < logits.count,
        "\(index) in an ordering is not a class of a row of \(logits.count)")
      require(!isPlaced[index], "class \(index) comes twice in the ordering \(ordering)")
      isPlaced[index] = true
    }
  }
}

private struct RankingGradient {
  var logits, scales: [Double]

  init(_ count: Int, _ value: Double = 0) {
    logits = [Double](repeating: value, count: count)
    scales = logits
  }
}

extension NoisyArgmax {
  /// The loss of one row, and its gradient times a weight, if that is wanted.
  private func ranking(
    _ ranking: Ranking, times weight: Double = 1, _ law: ClassLaw, isWanted: Bool
  ) -> (loss: Double, gradient: RankingGradient) {
    var gradient = RankingGradient(ranking.logits.count)
    let leaders = ranking.logits.indices.filter { ranking.logits[$0] == .infinity }
    guard leaders.count < 2, !ranking.logits.contains(where: { $0.isNaN }) else {
      return (.nan, RankingGradient(ranking.logits.count, .nan))
    }
    var ordering = ranking.ordering
    if let leader = leaders.first {
      // It is first for certain.
      guard ordering.first == leader else { return (ordering.isEmpty ? 0 : .infinity, gradient) }
      ordering.removeFirst()
    }
    if ordering.isEmpty { return (0, gradient) }
    let open = ranking.logits.map { $0 < .infinity ? $0 : -.infinity }
    guard ordering.allSatisfy({ open[$0] > -.infinity }) else { return (.infinity, gradient) }
    if isSoftmax && (ranking.isPlain || (!isWanted && Set(ranking.scales).count == 1)) {
      let scale = unit * (ranking.scales.first ?? 1)
      let scaled = open.map { $0 / scale }
      let closed = PlackettLuce(scaled, ordering: ordering)
      if isWanted { closed.addGradient(of: scaled, times: weight / scale, to: &gradient.logits) }
      return (closed.loss, gradient)
    }
    return integrated(
      open, ranking.scales, ordering, ranking.precision, times: weight, law, isWanted: isWanted)
  }

  private func integrated(
    _ logits: [Double], _ scales: [Double], _ ordering: [Int], _ precision: Precision, times weight: Double,
    _ law: ClassLaw, isWanted: Bool
  ) -> (loss: Double, gradient: RankingGradient) {
    let placed = Set(ordering)
    let indices = ordering + logits.indices.filter { logits[$0] > -.infinity && !placed.contains($0) }
    let largest = indices.reduce(0) { Swift.max($0, scales[$1] * unit) }
    let exponent = Swift.min(Swift.max(-Int(largest.exponent), -1000), 1000)
    let factor = Double(sign: .plus, exponent: exponent, significand: 1)
    var scratch = Scratch()
    var memory = Pieces(of: scratch.reserve(ScaledClasses.memory(for: indices.count) + 2 * indices.count))
    let classes = ScaledClasses(
      under: law, noisy: indices.count, count: indices.count, wanted: 1, memory: &memory)
    for (slot, index) in indices.enumerated() {
      classes.locations[slot] = logits[index] * factor
      classes.scales[slot] = Swift.max(scales[index] * unit * factor, 0x1p-1000)
    }
    let result = Ordering(ordering.count, of: classes, precision: precision)
    let loss = Swift.max(0, -result.logProbability)
    var gradient = RankingGradient(logits.count)
    guard isWanted, loss < .infinity else { return (loss, gradient) }
    let inLogits = memory.take(indices.count)
    let inScales = memory.take(indices.count)
    inLogits.update(repeating: 0, count: indices.count)
    inScales.update(repeating: 0, count: indices.count)
    result.addGradient(times: -weight, toLogits: inLogits, scales: inScales)
    for (slot, index) in indices.enumerated() {
      gradient.logits[index] = inLogits[slot] * factor
      gradient.scales[index] = inScales[slot] * factor * unit
    }
    return (loss, gradient)
  }

  private func rankings<Scalar: LogitScalar>(
    of rows: Rows<Scalar>, _ orderings: [[Int]], _ scales: Rows<Scalar>?, _ reduction: LossReduction,
    isWanted: Bool
  ) -> (value: Scalar, logits: [Scalar], scales: [Scalar]) {
    rows.shape.check(rowCount: orderings.count, "orderings")
    if let scales { rows.shape.check(scales.shape, "scales") }
    let law = classLaw(for: "orderings")
    let factor = reduction.factor(rows: rows.count)
    var values: [Double] = []
    var (logits, inScales): ([Scalar], [Scalar]) = ([], [])
    for row in 0..<rows.count {
      let (loss, gradient) = ranking(
        Ranking(rows[row], orderings[row], scales?[row]), times: factor, law, isWanted: isWanted)
      values.append(loss)
      logits += scalars(gradient.logits)
      inScales += scalars(gradient.scales)
    }
    return (Scalar(reduction.value(of: values)), logits, inScales)
  }
}
