// The density of the concrete distribution (Maddison, Mnih and Teh; the Gumbel-Softmax of Jang, Gu and Poole).
//
// With α = μ/s and λ = τ/s, since softmax((μ + s·ε)/τ) = softmax((α + ε)/λ), on the open simplex of the n open classes
//
//     p(y) = (n − 1)! · λⁿ⁻¹ · ∏_i [ e^α_i y_i^(−λ−1) / Σ_j e^α_j y_j^(−λ) ]
//
// with respect to y_1 … y_(n−1). In logarithms, with b_i = α_i − λ log y_i,
//
//     log p(y) = log (n − 1)! + (n − 1) log λ + Σ_i (b_i − log y_i − logsumexp b).

extension NoisyArgmax {
  /// The logarithm of the density of relaxed samples at a point of the simplex, given by its logarithms.
  ///
  /// With respect to the Lebesgue measure of all coordinates but one; the density of log y itself is larger by
  /// Σ log y_i. Logarithms are what ``RelaxedSample/logValue`` gives: at low temperatures y itself underflows.
  ///
  /// A masked class does not take part: its y must be 0. Off the open simplex of the open classes (a y of 0 or above 1
  /// at an open class, one above 0 at a masked class) the density is 0 and its logarithm −∞; that the y sum to one
  /// is not checked. Where one class is certain, or none is open, the sample is a constant: 0 at that point,
  /// −∞ elsewhere. NaN where the row is NaN or a y is.
  ///
  /// Of many ``Rows``, one for each: the density of independent factors is the product, its logarithm the sum.
  ///
  /// - Parameters:
  ///   - logY: log y, −∞ at masked classes.
  ///   - logits: μ, in the same shape.
  ///   - temperature: τ, finite and above 0.
  /// - Returns: log p(y; μ, τ).
  /// - Precondition: the law is a ``Gumbel`` law, moved and stretched or not: no other has a closed form.
  public func relaxedLogDensity<L: Logits>(atLog logY: L, for logits: L, temperature: Double) -> L.PerRow {
    require(
      StandardizedNoise(noise).standard is Gumbel,
      "relaxed samples have a density under Gumbel noise, not \(noise)")
    require(
      temperature > 0 && temperature.isFinite,
      "relaxed samples have a density at temperatures above 0, finite, not at \(temperature)")
    let shape = logits.asRows.shape
    shape.check(logY.asRows.shape, "logarithms")
    let (logY, logits) = (doubles(logY.asRows.elements), doubles(logits.asRows.elements))
    let densities = logY.withUnsafeBufferPointer { points in
      logits.withUnsafeBufferPointer { rows in
        (0..<shape.rowCount).map {
          logDensity(
            at: UnsafeBufferPointer(rebasing: points[shape.slots(of: $0)]),
            of: UnsafeBufferPointer(rebasing: rows[shape.slots(of: $0)]), temperature: temperature)
        }
      }
    }
    return L.form(of: scalars(densities))
  }

  private func logDensity(
    at logY: UnsafeBufferPointer<Double>, of row: UnsafeBufferPointer<Double>, temperature: Double
  ) -> Double {
    if logY.contains(where: \.isNaN) { return .nan }
    switch RowKind(of: row) {
    case .undefined: return .nan
    case .masked: return logY.allSatisfy { $0 == -.infinity } ? 0 : -.infinity
    case .certain(let winner):
      return logY.indices.allSatisfy { logY[$0] == ($0 == winner ? 0 : -.infinity) } ? 0 : -.infinity
    case .regular(let top, _):
      let exponent = temperature / unit
      var open = 0
      var largest = -Double.infinity
      for index in row.indices {
        guard row[index] > -.infinity else {
          if logY[index] > -.infinity { return -.infinity }
          continue
        }
        guard logY[index] > -.infinity, logY[index] <= 0 else { return -.infinity }
        open += 1
        largest = Double.maximum(largest, term(index))
      }
      func term(_ index: Int) -> Double {
        gap(of: row[index], below: top, scale: unit) - exponent * logY[index]
      }
      var total = 0.0
      for index in row.indices where row[index] > -.infinity {
        total += Noisemax.exponential(term(index) - largest)
      }
      let logTotal = largest + Noisemax.logarithm(total)
      var density = CompensatedSum(Double(open - 1) * Noisemax.logarithm(exponent))
      for factor in 1..<open { density.add(Noisemax.logarithm(Double(factor))) }
      for index in row.indices where row[index] > -.infinity {
        density.add(term(index) - logY[index] - logTotal)
      }
      return density.value
    }
  }
}
