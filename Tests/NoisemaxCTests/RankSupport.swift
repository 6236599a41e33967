import CNoisemax
import Foundation
import Noisemax
import NoisemaxC
import Testing

/// The functions of one precision with a scale for every class, under one name.
struct CRankFunctions<Scalar> {
  let inclusions:
    (
      OpaquePointer?, Int, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let inclusionPullback:
    (
      OpaquePointer?, Int, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Int, Int32,
      Destination<Scalar>,
      Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let expectedSums:
    (
      OpaquePointer?, Int, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>,
      Destination<Scalar>,
      Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let logProbabilities:
    (
      OpaquePointer?, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let logPullback:
    (
      OpaquePointer?, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>,
      Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let losses:
    (
      OpaquePointer?, noisemax_loss, Source<Scalar>, Source<Scalar>, Source<Int64>, Source<Scalar>, Int, Int,
      Int32, Destination<Scalar>, Destination<Scalar>, Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let sample:
    (
      OpaquePointer?, Source<Scalar>, Source<Scalar>, Int, Int, UInt64, Int, Int32, Destination<Int64>, Text,
      Int
    ) -> noisemax_status
  let rankingLosses:
    (
      OpaquePointer?, Source<Scalar>, Source<Scalar>, Source<Int64>, Int, Int, Int, Int32,
      Destination<Scalar>,
      Destination<Scalar>, Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let inverse: CFunctions<Scalar>.Pullback
}

extension CScalar {
  static var ranks: CRankFunctions<Self> {
    (Self.self == Double.self ? ranksOfDoubles as Any : ranksOfFloats) as! CRankFunctions<Self>
  }
}

private var ranksOfDoubles: CRankFunctions<Double> {
  CRankFunctions(
    inclusions: noisemax_inclusions, inclusionPullback: noisemax_inclusion_pullback,
    expectedSums: noisemax_expected_sums, logProbabilities: noisemax_scaled_log_probabilities,
    logPullback: noisemax_scaled_log_pullback, losses: noisemax_scaled_losses, sample: noisemax_scaled_sample,
    rankingLosses: noisemax_ranking_losses, inverse: noisemax_inverse)
}

private var ranksOfFloats: CRankFunctions<Float> {
  CRankFunctions(
    inclusions: noisemax_inclusions_f, inclusionPullback: noisemax_inclusion_pullback_f,
    expectedSums: noisemax_expected_sums_f, logProbabilities: noisemax_scaled_log_probabilities_f,
    logPullback: noisemax_scaled_log_pullback_f, losses: noisemax_scaled_losses_f,
    sample: noisemax_scaled_sample_f, rankingLosses: noisemax_ranking_losses_f, inverse: noisemax_inverse_f)
}

/// One row of classes with scales, and what is known about its largest classes.
struct TransformCase: Decodable {
  let noise: String
  let logits: [Double]
  /// Nil where all are 1.
  let scales: [Double]?
  let cotangent: [Double]
  let probabilities, logitPullback, scalePullback, topTwo, topThree: [String]
  /// Two indices, and the probability that they come first, in this order.
  let firstThenSecond: [Pair]

  struct Pair: Decodable {
    let first, second: Int64
    let probability: String

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      first = try list.decode(Int64.self)
      second = try list.decode(Int64.self)
      probability = try list.decode(String.self)
    }
  }

  /// All of them: there are some, with scales and without.
  static func all() throws -> [TransformCase] {
    let file = repository.appendingPathComponent("Tests/NoisemaxTests/Fixtures/transform-cases.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let cases = try lines.map { try JSONDecoder().decode(TransformCase.self, from: Data($0.utf8)) }
    try #require(cases.contains { $0.scales == nil } && cases.contains { $0.scales != nil })
    return cases
  }
}
