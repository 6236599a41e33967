import CNoisemax
import Noisemax
import NoisemaxC

/// The functions of one precision with common factors, under one name.
struct CFactorFunctions<Scalar> {
  /// Logits, scales, loadings, their rank, and the tolerance come first.
  typealias Values = (
    OpaquePointer?, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Double, Int, Int, Int32,
    Destination<Scalar>, Destination<Scalar>, Text, Int
  ) -> noisemax_status
  typealias Pullback = (
    OpaquePointer?, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Double, Source<Scalar>, Int, Int,
    Int32, Destination<Scalar>, Destination<Scalar>, Destination<Scalar>, Text, Int
  ) -> noisemax_status
  typealias Losses = (
    OpaquePointer?, noisemax_loss, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Double,
    Source<Int64>, Int, Int, Int32, Destination<Scalar>, Destination<Scalar>, Destination<Scalar>,
    Destination<Scalar>, Text, Int
  ) -> noisemax_status

  let probabilities, logProbabilities: Values
  let pullback, logPullback: Pullback
  let losses: Losses
}

extension CScalar {
  static var factors: CFactorFunctions<Self> {
    (Self.self == Double.self ? factorsOfDoubles as Any : factorsOfFloats) as! CFactorFunctions<Self>
  }
}

private var factorsOfDoubles: CFactorFunctions<Double> {
  CFactorFunctions(
    probabilities: noisemax_factor_probabilities, logProbabilities: noisemax_factor_log_probabilities,
    pullback: noisemax_factor_pullback, logPullback: noisemax_factor_log_pullback,
    losses: noisemax_factor_losses)
}

private var factorsOfFloats: CFactorFunctions<Float> {
  CFactorFunctions(
    probabilities: noisemax_factor_probabilities_f, logProbabilities: noisemax_factor_log_probabilities_f,
    pullback: noisemax_factor_pullback_f, logPullback: noisemax_factor_log_pullback_f,
    losses: noisemax_factor_losses_f)
}
