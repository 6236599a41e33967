// The derivatives of a relaxed sample, the noise held fixed: with respect to the logits and to the temperature.
//
// With z = μ + s·ε and y = softmax(z/τ):
//
//     ∂y_i/∂μ_j     = y_i (δ_ij − y_j)/τ            ∂y_i/∂τ     = −y_i (z_i − Σ_j y_j z_j)/τ²
//     ∂log y_i/∂μ_j = (δ_ij − y_j)/τ                ∂log y_i/∂τ = −(z_i − Σ_j y_j z_j)/τ²
//
// Since y depends on z/τ only, either derivative in τ is −1/τ times the pullback in the logits times z, and z may be
// taken relative to its largest.

extension RelaxedSample {
  /// The gradient in the logits of v·y, for a cotangent v: Σ_i v_i ∂y_i/∂μ_j, row by row.
  ///
  /// It is symmetric, so it is the derivative of y in the direction v as well. At τ = 0, and at masked classes, it is 0.
  ///
  /// - Parameter cotangent: v, of the shape of the value: the gradient of a loss with respect to y, or to ``hard``.
  /// - Returns: the gradient of the loss with respect to the logits.
  /// - Precondition: the cotangent has the shape of the value.
  public func pullback(of cotangent: L) -> L { form(gradient(cotangent, ofLogs: false)) }

  /// The derivative of v·y in the temperature, for a cotangent v, the sum over all rows: Σ_i v_i ∂y_i/∂τ.
  ///
  /// At τ = 0 it is 0.
  ///
  /// - Parameter cotangent: v, of the shape of the value.
  /// - Returns: the derivative of the loss with respect to τ.
  /// - Precondition: the cotangent has the shape of the value.
  public func temperaturePullback(of cotangent: L) -> L.Scalar {
    L.Scalar(temperatureDerivative(gradient(cotangent, ofLogs: false)))
  }

  /// The gradient in the logits of u·log y, for a cotangent u, row by row: for losses that take ``logValue``.
  ///
  /// At τ = 0, and at masked classes, it is 0.
  ///
  /// - Parameter cotangent: u, of the shape of the value; that of a masked class is ignored.
  /// - Returns: the gradient of the loss with respect to the logits.
  /// - Precondition: the cotangent has the shape of the value.
  public func logPullback(of cotangent: L) -> L { form(gradient(cotangent, ofLogs: true)) }

  /// The derivative of u·log y in the temperature, for a cotangent u, the sum over all rows.
  ///
  /// At τ = 0 it is 0.
  ///
  /// - Parameter cotangent: u, of the shape of the value; that of a masked class is ignored.
  /// - Returns: the derivative of the loss with respect to τ.
  /// - Precondition: the cotangent has the shape of the value.
  public func logTemperaturePullback(of cotangent: L) -> L.Scalar {
    L.Scalar(temperatureDerivative(gradient(cotangent, ofLogs: true)))
  }

  private func gradient(_ cotangent: L, ofLogs: Bool) -> [Double] {
    shape.check(cotangent.asRows.shape, "a cotangent")
    var gradient = doubles(cotangent.asRows.elements)
    for row in (0..<shape.rowCount).map({ shape.slots(of: $0) }) where !row.isEmpty {
      if gaps[row.lowerBound].isNaN {
        for index in row { gradient[index] = .nan }
      } else if let winner = gaps[row].firstIndex(of: 0), temperature > 0 {
        ofLogs ? pullBackLogs(&gradient, row, winner) : pullBack(&gradient, row, winner)
      } else {
        for index in row { gradient[index] = 0 }
      }
    }
    return gradient
  }

  /// y_j (v_j − Σ_i y_i v_i)/τ with v taken relative to the winner's: where y is almost a one-hot, its own
  /// component is then a sum of small terms and not the difference of large ones.
  private func pullBack(_ gradient: inout [Double], _ row: Range<Int>, _ winner: Int) {
    let origin = gradient[winner]
    var mean = 0.0
    for index in row where gaps[index] > -.infinity {
      gradient[index] -= origin
      mean += Noisemax.exponential(logs[index]) * gradient[index]
    }
    for index in row {
      let weight = Noisemax.exponential(logs[index])
      gradient[index] = gaps[index] > -.infinity ? weight * (gradient[index] - mean) / temperature : 0
    }
  }

  /// (u_j − y_j Σ_i u_i)/τ = ((1 − y_j) u_j − y_j Σ_{i≠j} u_i)/τ, 1 − y_j without cancellation.
  private func pullBackLogs(_ gradient: inout [Double], _ row: Range<Int>, _ winner: Int) {
    var others = 0.0
    for index in row where gaps[index] > -.infinity && index != winner { others += gradient[index] }
    let total = others + gradient[winner]
    for index in row {
      let cotangent = gradient[index]
      let rest = index == winner ? others : total - cotangent
      let complement = -Noisemax.exponentialMinusOne(logs[index])
      gradient[index] =
        gaps[index] > -.infinity
        ? (complement * cotangent - Noisemax.exponential(logs[index]) * rest) / temperature : 0
    }
  }

  private func temperatureDerivative(_ gradient: [Double]) -> Double {
    var sum = CompensatedSum()
    for index in gaps.indices where gradient[index] != 0 { sum.add(gradient[index] * gaps[index]) }
    return temperature > 0 ? -sum.value / temperature : sum.value.isNaN ? .nan : 0
  }
}
