// Losses of classes with common factors.

extension NoisyArgmax {
  /// A loss of every row where classes have common factors, and its gradients in the logits, in the scale and in the loadings.
  ///
  /// The likelihood's is −log p of the target. The Fenchel–Young loss is E[max] less the mean of the target's perturbed logit, with
  /// the gradient p − y in the logits: convex, and 0 for a target that is certain to win. Of a masked target both are +∞, and so is
  /// the likelihood's of one with p below 1e-290. The gradient there is that of the Fenchel–Young loss, so that training goes on.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - loadings: V, a row of one to three numbers for every logit.
  ///   - targets: the index of a class for every row.
  ///   - loss: which of the two.
  ///   - tolerance: the absolute error that is allowed, over the scale where the loss is in units of the logits.
  /// - Returns: for every row the loss and the derivative in the transform's own scale, and the gradients in the shapes of
  ///   logits and loadings.
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``, and every target is a class.
  public func lossesWithGradients<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, targets: [Int], as loss: Loss = .fenchelYoung,
    tolerance: Double = 1e-8
  ) -> (values: L.PerRow, logits: L, scale: L.PerRow, loadings: Rows<L.Scalar>) {
    let (values, gradient) = FactorBatch(self, logits, loadings, nil, tolerance).losses(loss, of: targets)
    return (
      L.form(of: values), L.form(of: gradient.logits), L.form(of: gradient.inScale),
      gradient.loadings
    )
  }

  /// A loss of every row where classes have common factors and scales of their own, and its gradients in the logits, in the
  /// scales and in the loadings.
  ///
  /// The parameters are those of ``lossesWithGradients(for:loadings:targets:as:tolerance:)``, and the scales in the shape of the
  /// logits.
  ///
  /// - Returns: for every row the loss, and the gradients, each in the shape of what it belongs to.
  /// - Precondition: as for ``lossesWithGradients(for:loadings:targets:as:tolerance:)``.
  public func lossesWithGradients<L: Logits>(
    for logits: L, scales: L, loadings: Rows<L.Scalar>, targets: [Int], as loss: Loss = .fenchelYoung,
    tolerance: Double = 1e-8
  ) -> (values: L.PerRow, logits: L, scales: L, loadings: Rows<L.Scalar>) {
    let (values, gradient) = FactorBatch(self, logits, loadings, scales, tolerance).losses(loss, of: targets)
    return (
      L.form(of: values), L.form(of: gradient.logits), L.form(of: gradient.scales), gradient.loadings
    )
  }
}

extension FactorBatch {
  package func losses(_ loss: Loss, of targets: [Int]) -> (values: [L.Scalar], gradient: Gradient) {
    rows.shape.check(rowCount: targets.count, "targets")
    for target in targets {
      require(
        (0..<rows.rowLength).contains(target), "target \(target) is not a class of a row of \(rows.rowLength)"
      )
    }
    return gradients(irregular: { argmax.loss(for: $0, target: targets[$1], as: loss) }) {
      row, index, workspace in
      let target = targets[index]
      switch loss {
      case .fenchelYoung: return row.fenchelYoungLoss(of: target, workspace: &workspace)
      case .negativeLogLikelihood:
        let weights = row.logits.indices.map { $0 == target ? -1.0 : 0 }
        let (logs, gradient) = row.logPullback(of: weights, workspace: &workspace)
        if logs[target] > logarithm(1e-290) { return (Swift.max(0, -logs[target]), gradient) }
        return (.infinity, row.fenchelYoungLoss(of: target, workspace: &workspace).gradient)
      }
    }
  }
}

extension FactorRow {
  /// E[max] − E[X_target].
  fileprivate func fenchelYoungLoss(
    of target: Int, workspace: inout NoisyArgmax.Workspace
  ) -> (value: Double, gradient: FactorGradient) {
    var (maximum, gradient) = expectedMaximum(workspace: &workspace)
    // It is homogeneous of degree 1 in logits, loadings and scale.
    gradient.inScale += (maximum - (logits.max() ?? 0)) / argmax.scale
    guard logits[target] > -.infinity else { return (.infinity, gradient) }
    // E of a class's own noise.
    let mean = (argmax.noise as? any AccurateNoise).map { argmax.scale * $0.mean } ?? 0
    let ownMean = (scales?[target] ?? 1) * mean
    gradient.logits[target] -= 1
    gradient.inScale -= ownMean / argmax.scale
    if scales != nil { gradient.scales[target] -= mean }
    return (Swift.max(0, maximum - logits[target] - ownMean), gradient)
  }
}
