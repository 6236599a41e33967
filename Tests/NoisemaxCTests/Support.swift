import CNoisemax
import Foundation
import Noisemax
import NoisemaxC
import Testing

/// A transform made by the C interface, freed with the last reference to it.
final class Handle {
  let pointer: OpaquePointer

  init(_ law: String, scale: Double = 1, points: Int = 0) throws {
    var result: OpaquePointer?
    let message = Message()
    let status = noisemax_create(law, scale, points, &result, message.start, message.capacity)
    try #require(status == NOISEMAX_OK, "\(law), scale \(scale), \(points) points: \(message.text)")
    pointer = try #require(result)
  }

  deinit { noisemax_destroy(pointer) }
}

/// Memory for a message, filled with something else than a message.
final class Message {
  let capacity: Int
  let start: UnsafeMutablePointer<CChar>

  init(capacity: Int = Int(NOISEMAX_MESSAGE_CAPACITY)) {
    self.capacity = capacity
    start = .allocate(capacity: capacity)
    start.initialize(repeating: 0x7e, count: capacity)
  }

  /// Up to its end, or all of the memory where nothing was written.
  var text: String {
    let bytes = UnsafeBufferPointer(start: start, count: capacity).prefix { $0 != 0 }
    return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { start.deallocate() }
}

/// The functions of one precision under one name.
protocol CScalar: LogitScalar, CustomStringConvertible {
  static var c: CFunctions<Self> { get }
}

/// Memory to be read, or null.
typealias Source<Scalar> = UnsafePointer<Scalar>?
/// Memory to be written, or null.
typealias Destination<Scalar> = UnsafeMutablePointer<Scalar>?
typealias Text = UnsafeMutablePointer<CChar>?

struct CFunctions<Scalar> {
  typealias Values = (
    OpaquePointer?, Source<Scalar>, Int, Int, Int32, Destination<Scalar>, Text, Int
  ) -> noisemax_status
  typealias Pullback = (
    OpaquePointer?, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>, Text, Int
  ) -> noisemax_status

  let probabilities, logProbabilities: Values
  typealias SecondPullback = (
    OpaquePointer?, Source<Scalar>, Source<Scalar>, Source<Scalar>, Int, Int, Int32, Destination<Scalar>,
    Destination<Scalar>, Text, Int
  ) -> noisemax_status
  let pullback, logPullback, scalePullback: Pullback
  let secondPullback, logSecondPullback: SecondPullback
  let losses:
    (
      OpaquePointer?, noisemax_loss, Source<Scalar>, Source<Int64>, Source<Scalar>, Int, Int, Int32,
      Destination<Scalar>, Destination<Scalar>, Text, Int
    ) -> noisemax_status
  let summaries:
    (
      OpaquePointer?, noisemax_summary, Source<Scalar>, Int, Int, Int32, Destination<Scalar>,
      Destination<Scalar>, Text,
      Int
    ) -> noisemax_status
  let sample:
    (
      OpaquePointer?, Source<Scalar>, Int, Int, UInt64, Int, Int32, Destination<Int64>, Text, Int
    ) -> noisemax_status
  let relaxedSample:
    (
      OpaquePointer?, Double, Source<Scalar>, Int, Int, UInt64, Int, Int32, Destination<Scalar>,
      Destination<Scalar>,
      Text, Int
    ) -> noisemax_status
  let relaxedPullback:
    (
      OpaquePointer?, Double, Source<Scalar>, Source<Scalar>, Int, Int, UInt64, Int, Int32,
      Destination<Scalar>,
      Destination<Scalar>, Text, Int
    ) -> noisemax_status
}

extension Double: CScalar {
  static var c: CFunctions<Double> {
    CFunctions(
      probabilities: noisemax_probabilities, logProbabilities: noisemax_log_probabilities,
      pullback: noisemax_pullback, logPullback: noisemax_log_pullback,
      scalePullback: noisemax_scale_pullback, secondPullback: noisemax_second_pullback,
      logSecondPullback: noisemax_log_second_pullback, losses: noisemax_losses, summaries: noisemax_summaries,
      sample: noisemax_sample, relaxedSample: noisemax_relaxed_sample,
      relaxedPullback: noisemax_relaxed_pullback)
  }
}

extension Float: CScalar {
  static var c: CFunctions<Float> {
    CFunctions(
      probabilities: noisemax_probabilities_f, logProbabilities: noisemax_log_probabilities_f,
      pullback: noisemax_pullback_f, logPullback: noisemax_log_pullback_f,
      scalePullback: noisemax_scale_pullback_f, secondPullback: noisemax_second_pullback_f,
      logSecondPullback: noisemax_log_second_pullback_f, losses: noisemax_losses_f,
      summaries: noisemax_summaries_f,
      sample: noisemax_sample_f, relaxedSample: noisemax_relaxed_sample_f,
      relaxedPullback: noisemax_relaxed_pullback_f)
  }
}

/// What a call writes to fresh memory, which holds something else before it.
func written<Scalar: CScalar>(
  _ count: Int, _ call: (UnsafeMutablePointer<Scalar>, Text, Int) -> noisemax_status
) throws -> [Scalar] {
  let message = Message()
  var memory = [Scalar](repeating: -7, count: count)
  let status = memory.withUnsafeMutableBufferPointer {
    call($0.baseAddress!, message.start, message.capacity)
  }
  try #require(status == NOISEMAX_OK, "\(message.text)")
  return memory
}

/// Numbers with their bits, so that −0 is not 0 and a NaN is a NaN.
/// All NaNs are one.
func bits<Scalar: CScalar>(_ numbers: [Scalar]) -> [UInt64] {
  numbers.map { $0.isNaN ? Double.nan.bitPattern : Double($0).bitPattern }
}

let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// A row with 25 digits of everything about it.
struct ArgmaxCase: Decodable {
  let noise: String
  let logits: [Double]
  let probabilities, logProbabilities: [String]
  let expectedMaximum: String
  let cotangent: [Double]
  let pullback: [String]

  /// Those of one law: there are some.
  static func all(of law: String) throws -> [ArgmaxCase] {
    let file = repository.appendingPathComponent("Tests/NoisemaxTests/Fixtures/argmax-cases.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let cases = try lines.map { try JSONDecoder().decode(ArgmaxCase.self, from: Data($0.utf8)) }
      .filter { $0.noise == law }
    try #require(!cases.isEmpty, "there are no cases of \(law)")
    return cases
  }
}

/// The decimals as the nearest numbers.
func numbers(_ decimals: [String]) throws -> [Double] {
  try decimals.map { try #require(Double($0), "\($0)") }
}
