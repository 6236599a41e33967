// Common factors: argmax(μ + s·ε + V z), z standard normal.

extension NoisyArgmax {
  /// The probabilities that each class wins where classes have common factors: p_i = P[argmax(μ + s·ε + V z) = i], z standard
  /// normal of one to three dimensions.
  ///
  /// ```swift
  /// argmax.probabilities(for: logits, loadings: Rows([1, 0.5, 0, -1], length: 1))
  /// ```
  ///
  /// Classes with like loadings rise and fall together, as goods of one kind do, or arms that share a cause. Under normal noise
  /// it is the multinomial probit with a factor structure. A factor that loads equally on all classes changes nothing.
  ///
  /// p is a mean over z, at nodes that are rows without factors: tens to hundreds for one factor, thousands to tens of
  /// thousands for two, from a hundred thousand on for three; twice as many for every factor whose loadings lie twice as far
  /// apart. Four million are the most: what has not the tolerance by then says so in
  /// ``probabilitiesWithErrorEstimate(for:loadings:scales:tolerance:)``. A smooth law has 1e-10 for loadings up to ten scales
  /// with one factor and up to three with two or three. A law with kinks takes many more nodes for the same digits, and may
  /// not get there with two factors.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - loadings: V, a row of one to three numbers for every logit.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``; 1 unless said otherwise.
  ///   - tolerance: the absolute error that is allowed, from 1e-12 to 0.1.
  /// - Returns: p, in the same shape as the logits.
  /// - Precondition: the method is exact, the shapes fit, no loading is larger than 1e300, and the scales of open classes are
  ///   above 0.
  public func probabilities<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, scales: L? = nil, tolerance: Double = 1e-10
  ) -> L {
    probabilitiesWithErrorEstimate(
      for: logits, loadings: loadings, scales: scales, tolerance: tolerance
    )
    .probabilities
  }

  /// The probabilities of classes with common factors, and for every row an estimate of their largest absolute error.
  ///
  /// It is above the tolerance where four million nodes were not enough.
  ///
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func probabilitiesWithErrorEstimate<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, scales: L? = nil, tolerance: Double = 1e-10
  ) -> (probabilities: L, errorEstimate: L.PerRow) {
    let (values, errors) = FactorBatch(self, logits, loadings, scales, tolerance).values(
      .probabilities)
    return (values, L.form(of: errors))
  }

  /// The logarithms of the probabilities of classes with common factors.
  ///
  /// The tolerance is the absolute error of a logarithm, down to p = 1e-290. A class that has less than that at every z within
  /// 6.7 of 0 is not looked for further out, and gets −∞.
  ///
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func logProbabilities<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, scales: L? = nil, tolerance: Double = 1e-8
  ) -> L {
    logProbabilitiesWithErrorEstimate(
      for: logits, loadings: loadings, scales: scales, tolerance: tolerance
    )
    .logProbabilities
  }

  /// The logarithms of the probabilities of classes with common factors, and for every row an estimate of their largest
  /// absolute error.
  ///
  /// It is above the tolerance where four million nodes were not enough.
  ///
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func logProbabilitiesWithErrorEstimate<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, scales: L? = nil, tolerance: Double = 1e-8
  ) -> (logProbabilities: L, errorEstimate: L.PerRow) {
    let (values, errors) = FactorBatch(self, logits, loadings, scales, tolerance).values(
      .logProbabilities)
    return (values, L.form(of: errors))
  }

  /// The gradients of Σ v_i p_i in the logits, in the scale and in the loadings, where classes have common factors.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - loadings: V, a row of one to three numbers for every logit.
  ///   - cotangent: v, in the shape of the logits.
  ///   - tolerance: the error that is allowed, beside the range of v over the scale.
  /// - Returns: the gradient in the logits, for every row the derivative in the transform's own scale, and the gradient in the
  ///   loadings, in their shape.
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func pullback<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, of cotangent: L, tolerance: Double = 1e-10
  ) -> (logits: L, scale: L.PerRow, loadings: Rows<L.Scalar>) {
    let gradient = FactorBatch(self, logits, loadings, nil, tolerance).pullback(of: cotangent)
    return (L.form(of: gradient.logits), L.form(of: gradient.inScale), gradient.loadings)
  }

  /// The gradients of Σ v_i p_i in the logits, in the scales and in the loadings, where classes have common factors and scales
  /// of their own.
  ///
  /// The parameters are those of ``pullback(for:loadings:of:tolerance:)``, and the scales in the shape of the logits.
  ///
  /// - Returns: the gradients, each in the shape of what it belongs to.
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func pullback<L: Logits>(
    for logits: L, scales: L, loadings: Rows<L.Scalar>, of cotangent: L, tolerance: Double = 1e-10
  ) -> (logits: L, scales: L, loadings: Rows<L.Scalar>) {
    let gradient = FactorBatch(self, logits, loadings, scales, tolerance).pullback(of: cotangent)
    return (L.form(of: gradient.logits), L.form(of: gradient.scales), gradient.loadings)
  }

  /// The gradients of Σ v_i log p_i in the logits, in the scale and in the loadings, where classes have common factors.
  ///
  /// The parameters are those of ``pullback(for:loadings:of:tolerance:)``; the error that is allowed is beside the largest v over
  /// the scale. A class whose probability is below 1e-290 moves nothing.
  ///
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func logProbabilitiesPullback<L: Logits>(
    for logits: L, loadings: Rows<L.Scalar>, of cotangent: L, tolerance: Double = 1e-8
  ) -> (logits: L, scale: L.PerRow, loadings: Rows<L.Scalar>) {
    let gradient = FactorBatch(self, logits, loadings, nil, tolerance).logPullback(of: cotangent)
    return (L.form(of: gradient.logits), L.form(of: gradient.inScale), gradient.loadings)
  }

  /// The gradients of Σ v_i log p_i in the logits, in the scales and in the loadings, where classes have common factors and
  /// scales of their own.
  ///
  /// The parameters are those of ``logProbabilitiesPullback(for:loadings:of:tolerance:)``, and the scales in the shape of the
  /// logits.
  ///
  /// - Returns: the gradients, each in the shape of what it belongs to.
  /// - Precondition: as for ``probabilities(for:loadings:scales:tolerance:)``.
  public func logProbabilitiesPullback<L: Logits>(
    for logits: L, scales: L, loadings: Rows<L.Scalar>, of cotangent: L, tolerance: Double = 1e-8
  ) -> (logits: L, scales: L, loadings: Rows<L.Scalar>) {
    let gradient = FactorBatch(self, logits, loadings, scales, tolerance).logPullback(of: cotangent)
    return (L.form(of: gradient.logits), L.form(of: gradient.scales), gradient.loadings)
  }
}
