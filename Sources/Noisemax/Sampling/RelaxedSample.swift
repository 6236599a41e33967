/// A draw of argmax(μ + s·ε) relaxed to softmax((μ + s·ε)/τ): a point of the simplex that moves smoothly with the
/// logits, so that a model with discrete random choices can be trained by gradients.
///
/// Under Gumbel noise its distribution is the concrete, or Gumbel-Softmax, distribution; every other law gives its
/// own. Made by ``NoisyArgmax/relaxedSample(for:temperature:using:)``, of one row or of many: rows are independent
/// factors of one discrete variable, and one sample holds, relaxes and differentiates them all, in the form of the logits.
///
/// ```swift
/// let sample = argmax.relaxedSample(for: logits, temperature: 0.5, using: &generator)
/// let y = sample.value                                 // or sample.hard, forwards only
/// let gradient = sample.pullback(of: cotangent)        // dLoss/dlogits from dLoss/dy
/// ```
///
/// The value keeps the draw: the noise is part of it, and derivatives are those of the same draw (the
/// reparametrisation trick). Everything is computed in the log domain, in Double, and stays finite at any
/// temperature.
///
/// **Temperature.** τ = 0 is the limit: the one-hot of the winner, whose derivatives are 0. τ = +∞ is the uniform point.
///
/// **Rows.** A masked class has exactly 0 (logarithm −∞), and its cotangent is ignored. Where every class is masked, all
/// are 0. One open class, or one at +∞, gives its one-hot; a NaN or several +∞ make the row NaN.
public struct RelaxedSample<L: Logits>: Sendable {
  /// τ: what the perturbed logits are divided by before the softmax.
  public let temperature: Double
  /// y = softmax((μ + s·ε)/τ), row by row: never negative, each row with the sum 1.
  public let value: L

  /// The perturbed logits below the largest of their row: 0 at the winner, finite at open classes, −∞ at others.
  let gaps: [Double]
  /// log y.
  let logs: [Double]
  let shape: RowShape

  init(gaps: [Double], shape: RowShape, temperature: Double) {
    require(temperature >= 0, "a temperature is 0 or above, not \(temperature)")
    self.gaps = gaps
    self.shape = shape
    self.temperature = temperature
    logs = [Double](unsafeUninitializedCapacity: gaps.count) { logs, count in
      gaps.withUnsafeBufferPointer { gaps in
        for row in 0..<shape.rowCount {
          let slots = shape.slots(of: row)
          writeLogSoftmax(
            of: UnsafeBufferPointer(rebasing: gaps[slots]), temperature: temperature,
            to: UnsafeMutableBufferPointer(rebasing: logs[slots]))
        }
      }
      count = gaps.count
    }
    value = L.form(of: Rows(scalars(logs.map { Noisemax.exponential($0) }), shape))
  }

  /// Numbers for all classes in the form of the logits.
  func form(_ numbers: [Double]) -> L { L.form(of: Rows(scalars(numbers), shape)) }

  /// log y, accurate where y underflows: −∞ at masked classes, and at all but the winner where τ = 0.
  public var logValue: L { form(logs) }

  /// The perturbed logits μ + s·ε less the largest of their row: 0 at the winner, −∞ at masked classes and at
  /// those beside a logit of +∞.
  public var perturbedLogits: L { form(gaps) }

  /// The winner of each row, argmax(μ + s·ε) of this draw: nil where no class is open or the row is NaN.
  public var index: L.IndexPerRow {
    L.form(
      of: (0..<shape.rowCount).map { row in
        let slots = shape.slots(of: row)
        return gaps[slots].firstIndex(of: 0).map { $0 - slots.lowerBound }
      })
  }

  /// The one-hot of each row's winner, the limit of the value at τ = 0: all 0 where no class is open, NaN where the
  /// row is.
  ///
  /// The straight-through estimator uses this forwards, in place of ``value``, and ``pullback(of:)`` of the relaxed
  /// value backwards.
  public var hard: L { tempered(to: 0).value }

  /// The same draw at another temperature.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func tempered(to temperature: Double) -> RelaxedSample {
    RelaxedSample(gaps: gaps, shape: shape, temperature: temperature)
  }
}

/// log softmax(gaps/τ) for gaps that are 0 at the winner.
private func writeLogSoftmax(
  of gaps: UnsafeBufferPointer<Double>, temperature: Double, to logs: UnsafeMutableBufferPointer<Double>
) {
  guard let winner = gaps.firstIndex(of: 0) else {
    // Nothing but masks, or nothing but NaN.
    _ = logs.update(fromContentsOf: gaps)
    return
  }
  // Apart from the winner's own 1, so that a winner close to 1 keeps the digits of its logarithm.
  var others = 0.0
  for index in gaps.indices {
    logs[index] = temperature > 0 && gaps[index] > -.infinity ? gaps[index] / temperature : -.infinity
    if index != winner { others += Noisemax.exponential(logs[index]) }
  }
  logs[winner] = 0
  let logSum = Noisemax.logarithmOfOnePlus(others)
  for index in gaps.indices { logs[index] -= logSum }
}

/// Doubles in the precision of the caller.
@_specialize(where Scalar == Float)
@_specialize(where Scalar == Double)
package func scalars<Scalar: LogitScalar>(_ values: [Double]) -> [Scalar] { values.map { Scalar($0) } }

/// The caller's numbers in Double.
@_specialize(where Scalar == Float)
@_specialize(where Scalar == Double)
package func doubles<Scalar: LogitScalar>(_ values: [Scalar]) -> [Double] { values.map { Double($0) } }
