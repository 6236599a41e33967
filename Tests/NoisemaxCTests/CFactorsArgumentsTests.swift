import CNoisemax
import Noisemax
import NoisemaxC
import Testing

/// What would stop the library is an answer of the interface, and nothing has been written.
@Suite struct CFactorsArgumentsTests {
  private enum Function: CaseIterable { case probabilities, logProbabilities, pullback, logPullback, losses }

  /// The arguments of two rows of two classes, of which something is wrong.
  private struct Arguments<Scalar: CScalar> {
    var handle: OpaquePointer?
    var logits: [Scalar]? = [0, 1, 2, -.infinity]
    var scales: [Scalar]?
    var loadings: [Scalar]? = [1, 0, 0.5, 2]
    var rank = 1
    var tolerance = 1e-2
    var cotangents: [Scalar]? = [1, 2, 3, 4]
    var loss = NOISEMAX_FENCHEL_YOUNG
    var classes: [Int64]? = [0, 1]
    var rows = 2
    var length = 2
    var hasResult = true
  }

  /// Memory for two rows of two classes with one loading each.
  private struct Results<Scalar: CScalar> {
    var main, inScales, inLoadings, errors: [Scalar]

    init() {
      main = [Scalar](repeating: -7, count: 4)
      (inScales, inLoadings, errors) = (main, main, main)
    }

    var isUntouched: Bool { (main + inScales + inLoadings + errors).allSatisfy { $0 == -7 } }
  }

  /// Memory of an array, or null where there is none.
  private func withMemory<Number, Result>(
    _ numbers: [Number]?, _ body: (UnsafePointer<Number>?) -> Result
  ) -> Result {
    guard let numbers else { return body(nil) }
    return numbers.withUnsafeBufferPointer { body($0.baseAddress) }
  }

  private func call<Scalar: CScalar>(
    _ function: Function, _ a: Arguments<Scalar>, _ results: inout Results<Scalar>
  ) -> (status: noisemax_status, text: String) {
    let (c, h, message) = (Scalar.factors, a.handle, Message())
    let (m, room, r, t) = (message.start, message.capacity, a.rank, a.tolerance)
    let (rows, n) = (a.rows, a.length)
    var (main, errors) = (results.main, results.errors)
    var (inScales, inLoadings) = (results.inScales, results.inLoadings)
    let status = withMemory(a.logits) { x in
      withMemory(a.scales) { s in
        withMemory(a.loadings) { v in
          withMemory(a.cotangents) { w in
            withMemory(a.classes) { k in
              main.withUnsafeMutableBufferPointer { main in
                let y = a.hasResult ? main.baseAddress : nil
                return switch function {
                case .probabilities: c.probabilities(h, x, s, v, r, t, rows, n, 1, y, &errors, m, room)
                case .logProbabilities: c.logProbabilities(h, x, s, v, r, t, rows, n, 1, y, &errors, m, room)
                case .pullback:
                  c.pullback(h, x, s, v, r, t, w, rows, n, 1, y, &inScales, &inLoadings, m, room)
                case .logPullback:
                  c.logPullback(h, x, s, v, r, t, w, rows, n, 1, y, &inScales, &inLoadings, m, room)
                case .losses:
                  c.losses(
                    h, a.loss, x, s, v, r, t, k, rows, n, 1, y, &errors, &inScales, &inLoadings, m, room)
                }
              }
            }
          }
        }
      }
    }
    (results.main, results.errors) = (main, errors)
    (results.inScales, results.inLoadings) = (inScales, inLoadings)
    return (status, message.text)
  }

  private func refused<Scalar: CScalar>(
    _ function: Function, _ arguments: Arguments<Scalar>, _ status: noisemax_status, _ text: String
  ) {
    var results = Results<Scalar>()
    let wrong = call(function, arguments, &results)
    #expect(wrong.status == status, "\(function), \(text): \(wrong)")
    #expect(wrong.text.contains(text), "\(function): \(wrong.text), not \(text)")
    #expect(results.isUntouched, "\(function) wrote something, \(text)")
  }

  @Test func argumentsThatThereAreNot() throws {
    try refuse(Double.self)
    try refuse(Float.self)
  }

  private func refuse<Scalar: CScalar>(_ type: Scalar.Type) throws {
    let handle = try Handle("normal")
    for function in Function.allCases {
      func refused(
        _ text: String, _ status: noisemax_status = NOISEMAX_BAD_ARGUMENT,
        _ change: (inout Arguments<Scalar>) -> Void
      ) {
        var arguments = Arguments<Scalar>(handle: handle.pointer)
        change(&arguments)
        self.refused(function, arguments, status, text)
      }
      refused("the transform is null") { $0.handle = nil }
      refused("logits is null") { $0.logits = nil }
      refused("loadings is null") { $0.loadings = nil }
      refused("is null, for 2 rows of 2 logits") { $0.hasResult = false }
      for rank in [0, -1, 4, .max, .min] {
        refused("a class has 1 to 3 loadings, not \(rank)") { $0.rank = rank }
      }
      for tolerance in [0, -1, 0.99e-12, 0.11, .infinity, .nan] as [Double] {
        refused("the tolerance is from 1e-12 to 0.1, not \(tolerance)") { $0.tolerance = tolerance }
      }
      for loading in [Scalar.nan, .infinity, -.infinity, Scalar(-1e301)] {
        refused("the loadings are no larger than 1e+300, and one of class 1 of row 1 is \(loading)") {
          $0.loadings = [1, 0, 0.5, loading]
        }
      }
      refused("the scale of class 1 of row 0 is finite and above 0 with common factors, not 0.0") {
        $0.scales = [1, 0, 1, 1]
      }
      refused("the scale of class 1 of row 1 is finite and not below 0, not -1.0") {
        $0.scales = [1, 1, 1, -1]
      }
      for (rows, length) in [(-1, 2), (2, -1), (.max, 2), (1 << 22, 1 << 22), (1 << 44, 0)] {
        refused("there are no \(rows) rows of \(length) logits") {
          ($0.rows, $0.length) = (rows, length)
          // What is read after the size is not there.
          ($0.logits, $0.loadings) = (nil, nil)
        }
      }
    }
  }

  /// Three loadings of each are more than fit where the logits do.
  @Test func loadingsThatNoMemoryHolds() throws {
    let (handle, x, message) = (try Handle("normal"), [0.0], Message())
    var y = [-7.0]
    let status = noisemax_factor_probabilities(
      handle.pointer, x, nil, x, 3, 1e-3, 1 << 22, 1 << 21, 1, &y, nil, message.start, message.capacity)
    #expect(status == NOISEMAX_BAD_ARGUMENT && y == [-7])
    #expect(message.text.hasSuffix("logits with 3 numbers each"), "\(message.text)")
  }

  @Test func whatElseIsWrong() throws {
    let (handle, rule) = (try Handle("laplace"), try Handle("laplace", points: 4))
    for function in Function.allCases {
      refused(
        function, Arguments<Double>(handle: rule.pointer), NOISEMAX_NEEDS_EXACT,
        "the quantile rule has no probabilities of classes with common factors")
    }
    for function in [Function.pullback, .logPullback] {
      let arguments = Arguments<Double>(handle: handle.pointer, cotangents: nil)
      refused(function, arguments, NOISEMAX_BAD_ARGUMENT, "cotangents is null")
    }
    var arguments = Arguments<Double>(handle: handle.pointer, classes: nil)
    refused(.losses, arguments, NOISEMAX_BAD_ARGUMENT, "the targets is null")
    for target in [2, -1, .max] as [Int64] {
      arguments.classes = [0, target]
      refused(
        .losses, arguments, NOISEMAX_BAD_TARGET, "target \(target) of row 1 is not a class of a row of 2")
    }
    arguments.classes = [0, 0]
    arguments.loss = noisemax_loss(rawValue: 2)
    refused(.losses, arguments, NOISEMAX_BAD_ARGUMENT, "there is no loss 2")
  }

  /// A masked class may be without noise, and a row without classes is one.
  @Test func whatIsNotWrong() throws {
    let handle = try Handle("gumbel")
    for function in Function.allCases {
      var results = Results<Double>()
      let arguments = Arguments<Double>(handle: handle.pointer, scales: [1, 2, 1, 0])
      let result = call(function, arguments, &results)
      #expect(result.status == NOISEMAX_OK && !results.isUntouched, "\(function): \(result)")
    }
    var errors = [-7.0, -7]
    let none = noisemax_factor_probabilities(
      handle.pointer, nil, nil, nil, 1, 1e-3, 2, 0, 0, nil, &errors, nil, 0)
    #expect(none == NOISEMAX_OK && errors == [0, 0])
  }

  /// Numbers at the ends of their range have an answer.
  @Test(arguments: ["gumbel", "laplace", "uniform"]) func extremes(law: String) throws {
    let (least, most) = (Double.leastNonzeroMagnitude, Double.greatestFiniteMagnitude)
    let rows: [(x: [Double], s: [Double], v: [Double])] = [
      ([0, 1], [1, 1], [1e300, 1e300]), ([0, 1], [1, 1], [least, -least]), ([most, -most], [1, 1], [1, 0]),
      ([0, 0], [most, 1], [0.5, 0]), ([0, 0], [least, 1], [0, 0]),
    ]
    let handle = try Handle(law, scale: 0.5)
    for row in rows {
      let isRefused = row.s.contains { $0 * 0.5 == 0 }
      var (p, gradient, inLoadings) = ([-7.0, -7], [-7.0, -7], [-7.0, -7])
      let status = noisemax_factor_probabilities(
        handle.pointer, row.x, row.s, row.v, 1, 0.1, 1, 2, 1, &p, nil, nil, 0)
      let pulled = noisemax_factor_pullback(
        handle.pointer, row.x, row.s, row.v, 1, 0.1, [1, 2], 1, 2, 1, &gradient, nil, &inLoadings, nil, 0)
      let name = "\(law), \(row): \(p), \(gradient), \(inLoadings)"
      let expected = isRefused ? NOISEMAX_BAD_ARGUMENT : NOISEMAX_OK
      #expect(status == expected && pulled == expected, "\(name)")
      let isBounded = isRefused ? p == [-7, -7] : p.allSatisfy { $0 >= 0 && $0 <= 1 }
      #expect(isBounded && gradient.allSatisfy { !$0.isNaN }, "\(name)")
    }
  }
}
