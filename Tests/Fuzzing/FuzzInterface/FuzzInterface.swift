import CNoisemax
import Noisemax
import NoisemaxC

/// One call of the interface for C, with arguments of any kind: it answers, and writes where it may and nowhere else.
struct Call {
  private let function, choice: Int
  private let rows, length: Int
  private let threads: Int32
  /// Which of the pointers are null.
  private let nulls: Int
  private let capacity: Int
  private let scale: Double
  private let seed: UInt64
  private let logits, cotangents, scales, shares: [Double]
  private let classes: [Int64]
  private let transform: OpaquePointer?

  init(_ input: inout Input) {
    function = input.choice(of: 22)
    choice = input.choice(of: 7)
    // Sizes of what is there, or such as nothing can have: only the caller knows whether any other is true.
    let impossible = [(-1, 3), (3, -1), (.min, 1), (2, .max), (.max, .max), (8, 1 << 62), (.min, .min)]
    let kind = input.choice(of: 20)
    let (few, many) = (input.choice(of: 9), [2, 3, 10, 60, 200, 1, 0][input.choice(of: 7)])
    (rows, length) = kind < impossible.count ? impossible[kind] : (few, many)
    threads = [1, 0, 2, 3, -1, .min, .max][input.choice(of: 7)]
    nulls = [0, 0, 0, 1, 2, 4, 8, 16][input.choice(of: 8)]
    capacity = [512, 0, 1, 2, 30][input.choice(of: 5)]
    seed = UInt64(input.choice(of: 256))
    scale = input.numbers(1, as: Double.self).first ?? 1
    let repetition = input.repetition(longest: 1600)
    let numbers = input.numbers(40, as: Double.self)
    let wanted = 8 * 200
    logits = repetition.others(Array(numbers.prefix(20)), count: wanted)
    cotangents = repetition.others(Array(numbers.dropFirst(20)), count: wanted)
    scales = cotangents.map(\.magnitude)
    shares = Self.shares(of: logits, length: length)
    let indices = numbers.prefix(8).map { Int64(truncatingIfNeeded: $0.bitPattern % 7) - 2 }
    classes = (0..<64).map { $0 % 8 < indices.count ? indices[$0 % 8] : 0 }
    transform = Self.transforms[input.choice(of: Self.transforms.count)]
  }

  /// Probabilities of rows, if there are any.
  private static func shares(of numbers: [Double], length: Int) -> [Double] {
    guard length > 0, length <= 200 else { return numbers }
    var shares = numbers.map { 1 / (1 + $0.magnitude) }
    for start in stride(from: 0, through: shares.count - length, by: length) {
      let sum = shares[start..<start + length].reduce(0, +)
      for slot in start..<start + length { shares[slot] /= sum }
    }
    return shares
  }

  /// One of every law and method, made once; the last one is none.
  private static nonisolated(unsafe) let transforms: [OpaquePointer?] = {
    var all: [OpaquePointer?] = []
    for law in ShippedLaw.all {
      for points in [0, 3] {
        var transform: OpaquePointer?
        guard noisemax_create(law.name, 1, points, &transform, nil, 0) == NOISEMAX_OK else {
          fatalError("there is no \(law.name)")
        }
        all.append(transform)
      }
    }
    return all + [nil]
  }()

  /// What stands behind everything that may be written to.
  private static let guardWord = 0x1.23456789abcdep77

  func run() {
    var message = [CChar](repeating: 77, count: capacity + 1)
    var result = [Double](repeating: Self.guardWord, count: 8 * 200 + 1)
    var values = [Double](repeating: Self.guardWord, count: 8 * 200 + 1)
    var indices = [Int64](repeating: 77, count: 8 * 200 + 1)
    let status = logits.withUnsafeBufferPointer { logits in
      cotangents.withUnsafeBufferPointer { cotangents in
        classes.withUnsafeBufferPointer { classes in
          result.withUnsafeMutableBufferPointer { result in
            values.withUnsafeMutableBufferPointer { values in
              indices.withUnsafeMutableBufferPointer { indices in
                message.withUnsafeMutableBufferPointer { message in
                  call(
                    pointer(logits.baseAddress, 1), pointer(cotangents.baseAddress, 2),
                    pointer(classes.baseAddress, 8), pointer(result.baseAddress, 4),
                    pointer(values.baseAddress, 16), pointer(indices.baseAddress, 4),
                    capacity == 0 ? nil : message.baseAddress)
                }
              }
            }
          }
        }
      }
    }
    let isRead = (0...8).contains(rows) && (0...200).contains(length)
    let (places, heights) = isRead ? (rows * length, rows) : (0, 0)
    demand(status.rawValue <= NOISEMAX_NEEDS_EXACT.rawValue, "status \(status.rawValue)")
    demand(message[capacity] == 77, "a message of \(capacity) bytes")
    demand(
      capacity == 0 || status == NOISEMAX_OK || message[..<capacity].contains(0), "a message without an end")
    func isUntouched(from result: Int, _ value: Int, _ index: Int, _ all: ([Double], [Double], [Int64]))
      -> Bool
    {
      all.0[result...].allSatisfy { $0 == Self.guardWord }
        && all.1[value...].allSatisfy { $0 == Self.guardWord }
        && all.2[index...].allSatisfy { $0 == 77 }
    }
    let all = (result, values, indices)
    demand(isUntouched(from: places, heights, heights, all), "something beyond the result")
    demand(status == NOISEMAX_OK || isUntouched(from: 0, 0, 0, all), "a result of a call that was refused")
  }

  private func pointer<Pointer>(_ pointer: Pointer?, _ bit: Int) -> Pointer? {
    nulls & bit == 0 ? pointer : nil
  }

  private func call(
    _ x: UnsafePointer<Double>?, _ v: UnsafePointer<Double>?, _ classes: UnsafePointer<Int64>?,
    _ result: UnsafeMutablePointer<Double>?, _ values: UnsafeMutablePointer<Double>?,
    _ indices: UnsafeMutablePointer<Int64>?, _ message: UnsafeMutablePointer<CChar>?
  ) -> noisemax_status {
    let loss = noisemax_loss(rawValue: UInt32(choice))
    let summary = noisemax_summary(rawValue: UInt32(choice))
    switch function {
    case 0: return noisemax_probabilities(transform, x, rows, length, threads, result, message, capacity)
    case 1: return noisemax_log_probabilities(transform, x, rows, length, threads, result, message, capacity)
    case 2: return noisemax_pullback(transform, x, v, rows, length, threads, result, message, capacity)
    case 3: return noisemax_log_pullback(transform, x, v, rows, length, threads, result, message, capacity)
    case 4: return noisemax_scale_pullback(transform, x, v, rows, length, threads, values, message, capacity)
    case 5:
      return noisemax_losses(
        transform, loss, x, classes, nil, rows, length, threads, values, result, message, capacity)
    case 6:
      return noisemax_losses(
        transform, loss, x, nil, v, rows, length, threads, values, result, message, capacity)
    case 7:
      return noisemax_summaries(
        transform, summary, x, rows, length, threads, values, result, message, capacity)
    case 8:
      return noisemax_sample(transform, x, rows, length, seed, choice, threads, indices, message, capacity)
    case 9:
      return noisemax_relaxed_pullback(
        transform, scale, x, v, rows, length, seed, choice - 1, threads, result, values, message, capacity)
    case 10...20:
      return scales.withUnsafeBufferPointer { scales in
        shares.withUnsafeBufferPointer {
          callBeyond(
            x, v, pointer(choice % 2 == 0 ? scales.baseAddress : nil, 2), pointer($0.baseAddress, 1), classes,
            result,
            values, indices, message)
        }
      }
    default:
      var made: OpaquePointer?
      let name = ["normal", "", "gumble", "UNIFORM", "laplace"][choice % 5]
      let status = noisemax_create(name, scale, min(rows, 100), &made, message, capacity)
      noisemax_destroy(made)
      return status
    }
  }

  /// Of classes with scales, and of more than one winner.
  private func callBeyond(
    _ x: UnsafePointer<Double>?, _ v: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
    _ shares: UnsafePointer<Double>?, _ classes: UnsafePointer<Int64>?,
    _ result: UnsafeMutablePointer<Double>?,
    _ values: UnsafeMutablePointer<Double>?, _ indices: UnsafeMutablePointer<Int64>?,
    _ message: UnsafeMutablePointer<CChar>?
  ) -> noisemax_status {
    let loss = noisemax_loss(rawValue: UInt32(choice))
    switch function {
    case 10:
      return noisemax_inclusions(
        transform, choice, x, scales, rows, length, threads, result, message, capacity)
    case 11:
      return noisemax_inclusion_pullback(
        transform, choice, x, scales, v, rows, length, threads, result, nil, message, capacity)
    case 12:
      return noisemax_expected_sums(
        transform, choice, x, scales, rows, length, threads, values, result, nil, message, capacity)
    case 13:
      return noisemax_scaled_log_probabilities(
        transform, x, scales, rows, length, threads, result, message, capacity)
    case 14:
      return noisemax_scaled_log_pullback(
        transform, x, scales, v, rows, length, threads, result, nil, message, capacity)
    case 15:
      return noisemax_scaled_losses(
        transform, loss, x, scales, classes, nil, rows, length, threads, values, result, nil, message,
        capacity)
    case 16:
      return noisemax_scaled_sample(
        transform, x, scales, rows, length, seed, choice, threads, indices, message, capacity)
    case 17:
      return noisemax_ranking_losses(
        transform, x, scales, classes, choice, rows, length, threads, values, result, nil, message, capacity)
    case 18:
      return noisemax_inverse(transform, shares, scales, rows, length, threads, result, message, capacity)
    case 19:
      return noisemax_second_pullback(
        transform, x, v, scales, rows, length, threads, result, values, message, capacity)
    default:
      // Of what is refused alone: how long others take depends on the loadings.
      return noisemax_factor_probabilities(
        transform, x, scales, v, [0, 4, -1, 5, .min, .max, 7][choice], 1e-6, rows, length, threads, result,
        values,
        message, capacity)
    }
  }

  private func demand(_ condition: Bool, _ what: String) {
    if !condition {
      fatalError(
        "\(what): function \(function), choice \(choice), \(rows) rows of \(length), \(threads) threads, nulls \(nulls), "
          + "scale \(scale), logits \(logits.prefix(20))")
    }
  }
}

/// What libFuzzer calls with every input it makes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = Input(start, count)
  Call(&input).run()
  return 0
}

@_cdecl("FuzzInterface_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  runFuzzer(count, arguments) { start, count in fuzz(start, count) }
}
