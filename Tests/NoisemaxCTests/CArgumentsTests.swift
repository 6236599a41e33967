import CNoisemax
import Noisemax
import NoisemaxC
import Testing

/// What is wrong is said, whatever it is, and nothing else happens.
@Suite struct CArgumentsTests {
  private func refusal(
    _ law: UnsafePointer<CChar>?, _ scale: Double = 1, _ points: Int = 0
  ) -> (status: noisemax_status, text: String) {
    var result: OpaquePointer?
    let message = Message()
    let status = noisemax_create(law, scale, points, &result, message.start, message.capacity)
    #expect((result == nil) == (status != NOISEMAX_OK))
    noisemax_destroy(result)
    return (status, message.text)
  }

  @Test func theVersionIsThatOfTheHeader() { #expect(noisemax_abi_version() == NOISEMAX_ABI_VERSION) }

  @Test func lawsHaveNames() throws {
    let names = try (0..<ShippedLaw.all.count).map { String(cString: try #require(noisemax_law_name($0))) }
    #expect(names == ShippedLaw.all.map(\.name))
    for index in [-1, names.count, .min, .max] { #expect(noisemax_law_name(index) == nil, "\(index)") }
  }

  @Test func transformsThatThereAreNot() {
    let names = ShippedLaw.all.map(\.name).joined(separator: ", ")
    let none = refusal("cauchy")
    #expect(none.status == NOISEMAX_UNKNOWN_LAW)
    #expect(none.text == "there is no law of noise named 'cauchy': there are \(names)")
    #expect(refusal("").status == NOISEMAX_UNKNOWN_LAW)
    #expect(refusal("NORMAL").status == NOISEMAX_OK)
    let long = refusal(String(repeating: "é", count: 10_000))
    #expect(long.status == NOISEMAX_UNKNOWN_LAW && long.text.hasSuffix(names), "\(long.text)")
    let null = refusal(nil)
    #expect(null.status == NOISEMAX_BAD_ARGUMENT && null.text == "the name of the law is null")
    for scale in [0, -1, .infinity, .nan, -.infinity] as [Double] {
      let wrong = refusal("normal", scale)
      #expect(wrong.status == NOISEMAX_BAD_ARGUMENT)
      #expect(wrong.text == "the scale of the noise is finite and above 0, not \(scale)")
    }
    for points in [-1, .min, 1_000_001, .max] {
      let wrong = refusal("normal", 1, points)
      #expect(wrong.status == NOISEMAX_BAD_ARGUMENT && wrong.text.hasSuffix("not \(points)"), "\(wrong.text)")
    }
    for scale in [Double.leastNonzeroMagnitude, .greatestFiniteMagnitude] {
      #expect(refusal("laplace", scale).status == NOISEMAX_OK)
    }
    #expect(noisemax_create("normal", 1, 0, nil, nil, 0) == NOISEMAX_BAD_ARGUMENT)
    noisemax_destroy(nil)
  }

  @Test func aMessageFitsItsMemory() {
    for capacity in 1...80 {
      let message = Message(capacity: capacity + 1)
      var result: OpaquePointer?
      _ = noisemax_create("ä€😀", 1, 0, &result, message.start, capacity)
      let full = "there is no law of noise named 'ä€😀': there are \(ShippedLaw.all[0].name)"
      #expect(message.start[capacity] == 0x7e, "something follows \(capacity) bytes")
      #expect(full.hasPrefix(message.text) || message.text.hasPrefix(full), "\(message.text)")
      #expect(message.text.utf8.count > capacity - 5, "\(message.text) in \(capacity) bytes")
    }
    let untouched = Message(capacity: 1)
    _ = noisemax_create("?", 1, 0, nil, untouched.start, 0)
    #expect(untouched.start[0] == 0x7e)
    _ = noisemax_create("?", 1, 0, nil, untouched.start, -5)
    #expect(untouched.start[0] == 0x7e)
    #expect(noisemax_create("?", 1, 0, nil, nil, 100) == NOISEMAX_BAD_ARGUMENT)
  }

  @Test func shapesThatThereAreNot() throws {
    try refuseShapes(Double.self)
    try refuseShapes(Float.self)
  }

  /// Every function, with one thing wrong at a time.
  private func refuseShapes<Scalar: CScalar>(_ type: Scalar.Type) throws {
    let (handle, c, x, k) = (try Handle("normal"), Scalar.c, [Scalar(1), 2], [Int64(0)])
    var (y, z, i) = ([Scalar(-7), -7], [Scalar(-7), -7], [Int64(-7)])
    typealias Call = (OpaquePointer?, Source<Scalar>, Int, Int, Destination<Scalar>, Message) ->
      noisemax_status
    var calls: [(String, Call)] = []
    calls.append(("p", { c.probabilities($0, $1, $2, $3, 1, $4, $5.start, $5.capacity) }))
    calls.append(("log p", { c.logProbabilities($0, $1, $2, $3, 1, $4, $5.start, $5.capacity) }))
    calls.append(("pullback", { c.pullback($0, $1, x, $2, $3, 1, $4, $5.start, $5.capacity) }))
    calls.append(("log pullback", { c.logPullback($0, $1, x, $2, $3, 1, $4, $5.start, $5.capacity) }))
    calls.append(
      ("second", { c.secondPullback($0, $1, x, x, $2, $3, 1, $4, &z, $5.start, $5.capacity) }))
    calls.append(
      ("second of log", { c.logSecondPullback($0, $1, x, x, $2, $3, 1, $4, &z, $5.start, $5.capacity) }))
    calls.append(("scale", { c.scalePullback($0, $1, x, $2, $3, 1, $4, $5.start, $5.capacity) }))
    let (loss, summary) = (NOISEMAX_FENCHEL_YOUNG, NOISEMAX_SHANNON_ENTROPY)
    calls.append(
      ("losses", { c.losses($0, loss, $1, k, nil, $2, $3, 1, $4, &z, $5.start, $5.capacity) }))
    calls.append(("summaries", { c.summaries($0, summary, $1, $2, $3, 1, $4, &z, $5.start, $5.capacity) }))
    calls.append(
      ("relaxed", { c.relaxedPullback($0, 1, $1, x, $2, $3, 0, 0, 1, $4, &z, $5.start, $5.capacity) }))
    calls.append(
      (
        "sample",
        { handle, logits, rows, length, memory, message in
          if memory == nil {
            return c.sample(handle, logits, rows, length, 0, 0, 1, nil, message.start, message.capacity)
          }
          return c.sample(handle, logits, rows, length, 0, 0, 1, &i, message.start, message.capacity)
        }
      ))
    for (name, call) in calls {
      func refused(
        _ handle: OpaquePointer?, _ logits: Source<Scalar>, _ rows: Int, _ length: Int, _ hasPlaces: Bool,
        _ text: String
      ) {
        let message = Message()
        let status = y.withUnsafeMutableBufferPointer {
          call(handle, logits, rows, length, hasPlaces ? $0.baseAddress : nil, message)
        }
        #expect(status == NOISEMAX_BAD_ARGUMENT, "\(name), \(text)")
        #expect(message.text.contains(text), "\(name): \(message.text)")
        #expect(y + z == [-7, -7, -7, -7] && i == [-7], "\(name) wrote something, \(text)")
      }
      x.withUnsafeBufferPointer { x in
        refused(nil, x.baseAddress, 1, 2, true, "the transform is null")
        refused(handle.pointer, nil, 1, 2, true, "logits is null, for 1 rows of 2 logits")
        refused(handle.pointer, x.baseAddress, 1, 2, false, "is null, for 1 rows of 2 logits")
        for (rows, length) in [
          (-1, 2), (1, -2), (-1, -2), (.max, 2), (2, .max), (.min, .min), (1 << 31, 1 << 32),
          // 2⁴⁷ bytes, and as many rows or classes where there are none of the other.
          (1 << 22, 1 << 22), (1 << 44, 1), (1 << 44, 0), (0, 1 << 44), (.max, 0), (0, .max),
        ] {
          refused(
            handle.pointer, x.baseAddress, rows, length, true, "there are no \(rows) rows of \(length) logits"
          )
        }
      }
    }
  }

  @Test func targetsThatThereAreNot() throws {
    let (handle, x) = (try Handle("normal"), [1.0, 2, 3, 4])
    var (values, gradient) = ([-7.0, -7], [-7.0, -7, -7, -7])
    func refused(
      _ status: noisemax_status, _ text: String, _ loss: noisemax_loss = NOISEMAX_FENCHEL_YOUNG,
      classes: [Int64]? = nil, weights: [Double]? = nil
    ) {
      let message = Message()
      func call(_ classes: Source<Int64>, _ weights: Source<Double>) -> noisemax_status {
        noisemax_losses(
          handle.pointer, loss, x, classes, weights, 2, 2, 1, &values, &gradient, message.start,
          message.capacity)
      }
      let answer = (classes ?? []).withUnsafeBufferPointer { c in
        (weights ?? []).withUnsafeBufferPointer {
          call(classes == nil ? nil : c.baseAddress, weights == nil ? nil : $0.baseAddress)
        }
      }
      #expect(answer == status && message.text.contains(text), "\(message.text), not \(text)")
      #expect(values + gradient == [-7, -7, -7, -7, -7, -7])
    }
    refused(NOISEMAX_BAD_TARGET, "target 2 of row 1 is not a class of a row of 2", classes: [0, 2])
    refused(NOISEMAX_BAD_TARGET, "target -1 of row 0", classes: [-1, 0])
    refused(NOISEMAX_BAD_TARGET, "target \(Int64.min) of row 0", classes: [.min, 0])
    refused(NOISEMAX_BAD_TARGET, "weight -0.5 of class 0 in row 1", weights: [0, 1, -0.5, 1.5])
    refused(NOISEMAX_BAD_TARGET, "weight nan of class 1 in row 0", weights: [0, .nan, 0, 1])
    refused(NOISEMAX_BAD_TARGET, "row 1 sum to 0.75, not to 1", weights: [0, 1, 0.5, 0.25])
    refused(NOISEMAX_BAD_TARGET, "row 0 sum to inf", weights: [.infinity, 1, 0.5, 0.5])
    refused(NOISEMAX_BAD_ARGUMENT, "the targets is null")
    refused(NOISEMAX_BAD_ARGUMENT, "there are classes and weights", classes: [0, 0], weights: [0, 1, 0, 1])
    refused(NOISEMAX_BAD_ARGUMENT, "there is no loss 2", noisemax_loss(rawValue: 2), classes: [0, 0])
  }

  @Test func whatTheRuleDoesNotHave() throws {
    let (handle, x) = (try Handle("normal", points: 4), [1.0, 2])
    var value = -7.0
    for summary in [
      NOISEMAX_EXPECTED_MAXIMUM, NOISEMAX_GENERALIZED_ENTROPY, NOISEMAX_EXPECTED_MAXIMUM_SCALE_DERIVATIVE,
    ] {
      let status = noisemax_summaries(handle.pointer, summary, x, 1, 2, 1, &value, nil, nil, 0)
      #expect(status == NOISEMAX_NEEDS_EXACT)
    }
    let loss = noisemax_losses(
      handle.pointer, NOISEMAX_FENCHEL_YOUNG, x, [0], nil, 1, 2, 1, &value, nil, nil, 0)
    #expect(loss == NOISEMAX_NEEDS_EXACT && value == -7)
    var pair = [-7.0, -7]
    let second = noisemax_second_pullback(handle.pointer, x, x, x, 1, 2, 1, &pair, &value, nil, 0)
    let log = noisemax_log_second_pullback(handle.pointer, x, x, x, 1, 2, 1, &pair, &value, nil, 0)
    #expect(second == NOISEMAX_NEEDS_EXACT && log == NOISEMAX_NEEDS_EXACT && value == -7 && pair == [-7, -7])
    let unknown = noisemax_summary(rawValue: 5)
    #expect(
      noisemax_summaries(handle.pointer, unknown, x, 1, 2, 1, &value, nil, nil, 0) == NOISEMAX_BAD_ARGUMENT)
  }

  @Test func drawsThatThereAreNot() throws {
    let (handle, x) = (try Handle("normal"), [1.0, 2])
    var (index, y) = (Int64(-7), [-7.0, -7])
    for first in [-1, .min, .max] {
      let drawn = noisemax_sample(handle.pointer, x, 1, 2, 0, first, 1, &index, nil, 0)
      let relaxed = noisemax_relaxed_sample(handle.pointer, 1, x, 1, 2, 0, first, 1, &y, nil, nil, 0)
      #expect(drawn == NOISEMAX_BAD_ARGUMENT && relaxed == NOISEMAX_BAD_ARGUMENT, "first row \(first)")
    }
    for temperature in [-1, -.infinity, .nan] as [Double] {
      let drawn = noisemax_relaxed_sample(handle.pointer, temperature, x, 1, 2, 0, 0, 1, &y, nil, nil, 0)
      let pulled = noisemax_relaxed_pullback(
        handle.pointer, temperature, x, x, 1, 2, 0, 0, 1, &y, nil, nil, 0)
      #expect(drawn == NOISEMAX_BAD_ARGUMENT && pulled == NOISEMAX_BAD_ARGUMENT, "temperature \(temperature)")
    }
    #expect(index == -7 && y == [-7, -7])
  }

  @Test func rowsWithoutClasses() throws {
    let handle = try Handle("normal")
    var (values, indices) = ([-7.0, -7], [Int64(-7), -7])
    #expect(noisemax_probabilities(handle.pointer, nil, 2, 0, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_log_probabilities(handle.pointer, nil, 0, 5, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_pullback(handle.pointer, nil, nil, 2, 0, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_scale_pullback(handle.pointer, nil, nil, 2, 0, 0, &values, nil, 0) == NOISEMAX_OK)
    #expect(values == [0, 0])
    values = [-7, -7]
    let second = noisemax_second_pullback(handle.pointer, nil, nil, nil, 2, 0, 0, nil, &values, nil, 0)
    #expect(second == NOISEMAX_OK && values == [0, 0])
    let maximum = NOISEMAX_EXPECTED_MAXIMUM
    #expect(noisemax_summaries(handle.pointer, maximum, nil, 2, 0, 0, &values, nil, nil, 0) == NOISEMAX_OK)
    #expect(values == [-.infinity, -.infinity])
    let loss = NOISEMAX_NEGATIVE_LOG_LIKELIHOOD
    #expect(
      noisemax_losses(handle.pointer, loss, nil, nil, nil, 2, 0, 0, &values, nil, nil, 0) == NOISEMAX_OK)
    #expect(values == [0, 0])
    #expect(
      noisemax_losses(handle.pointer, loss, nil, [0, 0], nil, 2, 0, 0, &values, nil, nil, 0)
        == NOISEMAX_BAD_TARGET)
    #expect(noisemax_sample(handle.pointer, nil, 2, 0, 0, 0, 0, &indices, nil, 0) == NOISEMAX_OK)
    #expect(indices == [-1, -1])
    #expect(noisemax_relaxed_sample(handle.pointer, 1, nil, 2, 0, 0, 0, 0, nil, nil, nil, 0) == NOISEMAX_OK)
  }
}
