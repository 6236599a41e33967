import CNoisemax
import Noisemax
import NoisemaxC
import Testing

/// What would stop the library is an answer of the interface, and nothing has been written.
@Suite struct CRanksArgumentsTests {
  /// Every function that takes scales.
  private enum Function: CaseIterable {
    case inclusions, inclusionPullback, expectedSums, logProbabilities, logPullback, losses, sample, rankings
  }

  /// Calls a function with rows of three, of which something is wrong.
  private func refuse<Scalar: CScalar>(
    _ function: Function, _ handle: Handle, _ x: Source<Scalar>, _ scales: Source<Scalar>, _ rows: Int = 2,
    k: Int = 1, ordering: [Int64] = [0, 1, 2, 1], places: Int = 2, hasResult: Bool = true
  ) -> (status: noisemax_status, text: String) {
    let (c, h, message, n) = (Scalar.ranks, handle.pointer, Message(), 3)
    let (m, room) = (message.start, message.capacity)
    var (y, z, w, i) = (
      [Scalar](repeating: -7, count: 6), [Scalar](repeating: -7, count: 6), [Scalar](repeating: -7, count: 6),
      [Int64](repeating: -7, count: 2)
    )
    let v: [Scalar] = [1, 2, 3, 4, 5, 6]
    let status = y.withUnsafeMutableBufferPointer { memory in
      let y = hasResult ? memory.baseAddress : nil
      return switch function {
      case .inclusions: c.inclusions(h, k, x, scales, rows, n, 1, y, m, room)
      case .inclusionPullback: c.inclusionPullback(h, k, x, scales, v, rows, n, 1, y, &z, m, room)
      case .expectedSums: c.expectedSums(h, k, x, scales, rows, n, 1, y, &z, &w, m, room)
      case .logProbabilities: c.logProbabilities(h, x, scales, rows, n, 1, y, m, room)
      case .logPullback: c.logPullback(h, x, scales, v, rows, n, 1, y, &z, m, room)
      case .losses:
        c.losses(h, NOISEMAX_FENCHEL_YOUNG, x, scales, [0, 1], nil, rows, n, 1, y, &z, &w, m, room)
      case .sample:
        hasResult
          ? c.sample(h, x, scales, rows, n, 0, 0, 1, &i, m, room)
          : c.sample(h, x, scales, rows, n, 0, 0, 1, nil, m, room)
      case .rankings: c.rankingLosses(h, x, scales, ordering, places, rows, n, 1, y, &z, &w, m, room)
      }
    }
    #expect(y + z + w == [Scalar](repeating: -7, count: 18) && i == [-7, -7], "\(function) wrote something")
    return (status, message.text)
  }

  @Test(arguments: ["normal", "laplace"]) func scalesThatThereAreNot(law: String) throws {
    try refuseScales(Double.self, law)
    try refuseScales(Float.self, law)
  }

  private func refuseScales<Scalar: CScalar>(_ type: Scalar.Type, _ law: String) throws {
    let handle = try Handle(law)
    let x: [Scalar] = [0, 1, 2, 3, 1, 1]
    for function in Function.allCases {
      for scale in [-1, .nan, .infinity, -.infinity, -.leastNonzeroMagnitude] as [Scalar] {
        let wrong = refuse(function, handle, x, [1, 1, 1, 1, scale, 1])
        #expect(wrong.status == NOISEMAX_BAD_ARGUMENT, "\(function), \(scale)")
        let (text, rest) = ("the scale of class 1 of row 1 is finite and ", "not \(scale)")
        #expect(wrong.text.hasPrefix(text) && wrong.text.hasSuffix(rest), "\(function): \(wrong.text)")
      }
      if function != .sample {
        let tie = refuse(function, handle, x, [1, 1, 1, 1, 0, 0])
        let text =
          function == .rankings
          ? "the scale of class 1 of row 1 is finite and above 0 in an ordering, not 0.0"
          : "classes 1 and 2 of row 1 have scale 0 and tie at 1.0"
        #expect(tie.status == NOISEMAX_BAD_ARGUMENT && tie.text == text, "\(function): \(tie.text)")
      }
      let (null, missing) = (
        refuse(function, handle, nil, x), refuse(function, handle, x, nil, hasResult: false)
      )
      #expect(null.status == NOISEMAX_BAD_ARGUMENT && null.text.contains("logits is null"), "\(null.text)")
      #expect(missing.status == NOISEMAX_BAD_ARGUMENT && missing.text.contains("is null"), "\(missing.text)")
      for rows in [-1, .max, .min] {
        #expect(refuse(function, handle, x, x, rows).status == NOISEMAX_BAD_ARGUMENT, "\(function), \(rows)")
      }
    }
    for function in [Function.inclusions, .inclusionPullback, .expectedSums] {
      for k in [0, -1, 4, .max, .min] {
        let wrong = refuse(function, handle, x, nil, k: k)
        let text = "the number of largest classes of a row of 3 is from 1 to 3, not \(k)"
        #expect(wrong.status == NOISEMAX_BAD_ARGUMENT && wrong.text == text, "\(function): \(wrong.text)")
      }
    }
  }

  @Test func whatTheRuleDoesNotHave() throws {
    let (handle, x) = (try Handle("normal", points: 4), [1.0, 2, 3, 4, 5, 6])
    for function in Function.allCases where function != .sample {
      #expect(refuse(function, handle, x, nil).status == NOISEMAX_NEEDS_EXACT, "\(function)")
    }
    var y = [-7.0, -7]
    #expect(noisemax_inverse(handle.pointer, [0.5, 0.5], nil, 1, 2, 1, &y, nil, 0) == NOISEMAX_NEEDS_EXACT)
    // It draws by the law itself.
    var index = Int64(-7)
    #expect(noisemax_scaled_sample(handle.pointer, x, nil, 1, 6, 1, 0, 1, &index, nil, 0) == NOISEMAX_OK)
    #expect(index >= 0 && index < 6 && y == [-7, -7])
  }

  @Test func orderingsThatThereAreNot() throws {
    let (handle, x) = (try Handle("gumbel"), [1.0, 2, 3, 4, 5, 6])
    func refused(_ status: noisemax_status, _ text: String, _ ordering: [Int64], _ places: Int = 2) {
      let wrong = refuse(.rankings, handle, x, nil, ordering: ordering, places: places)
      #expect(wrong.status == status && wrong.text.contains(text), "\(wrong.text), not \(text)")
    }
    refused(NOISEMAX_BAD_TARGET, "3 in the ordering of row 1 is not a class of a row of 3", [0, 1, 2, 3])
    refused(NOISEMAX_BAD_TARGET, "-1 in the ordering of row 0 is not a class", [-1, 1, 2, 3])
    refused(NOISEMAX_BAD_TARGET, "\(Int64.min) in the ordering of row 0", [.min, 1, 2, 3])
    refused(NOISEMAX_BAD_TARGET, "class 2 comes twice in the ordering of row 1", [0, 1, 2, 2])
    for places in [0, -1, 4, .max, .min] {
      refused(NOISEMAX_BAD_ARGUMENT, "from 1 to 3 classes, not \(places)", [0, 1, 2, 0], places)
    }
    let null = noisemax_ranking_losses(handle.pointer, x, nil, nil, 2, 2, 3, 1, nil, nil, nil, nil, 0)
    #expect(null == NOISEMAX_BAD_ARGUMENT)
  }

  @Test func probabilitiesThatThereAreNot() throws {
    try refuseProbabilities(Double.self)
    try refuseProbabilities(Float.self)
  }

  private func refuseProbabilities<Scalar: CScalar>(_ type: Scalar.Type) throws {
    let handle = try Handle("normal")
    func refused(_ text: String, _ q: [Scalar], _ scales: [Scalar]? = nil) {
      let message = Message()
      var y = [Scalar](repeating: -7, count: 4)
      let status = Scalar.ranks.inverse(
        handle.pointer, q, scales, 2, 2, 1, &y, message.start, message.capacity)
      #expect(status == NOISEMAX_BAD_ARGUMENT && message.text.contains(text), "\(message.text), not \(text)")
      #expect(y == [-7, -7, -7, -7], "\(text)")
    }
    refused("the probability -0.5 of class 0 in row 1 is not 0 or more", [0.5, 0.5, -0.5, 1.5])
    refused("the probability nan of class 1 in row 0", [1, .nan, 0, 1])
    refused("the probabilities of row 1 sum to 0.75, not to 1", [0.5, 0.5, 0.5, 0.25])
    refused("row 0 sum to inf", [.infinity, 0, 0.5, 0.5])
    let even = [Scalar](repeating: 0.5, count: 4)
    refused("the scale of class 1 of row 1 is finite and not below 0, not -1.0", even, [1, 1, 1, -1])
    refused("the scale of class 0 of row 0 is finite and not below 0, not inf", even, [.infinity, 1, 1, 1])
    refused("classes 0 and 1 of row 1 have scale 0, and only one of them can win", even, [0, 1, 0, 0])
  }

  /// What there are no rows of takes no memory, however long they were, and what has no classes no time.
  @Test func rowsOfNothing() throws {
    let handle = try Handle("normal")
    defer { withExtendedLifetime(handle) {} }
    let (h, many, none) = (handle.pointer, 1 << 43, Destination<Double>.none)
    for (rows, length) in [(0, many), (many, 0)] {
      let statuses = [
        noisemax_probabilities(h, nil, rows, length, 0, nil, nil, 0),
        noisemax_log_pullback(h, nil, nil, rows, length, 0, nil, nil, 0),
        noisemax_second_pullback(h, nil, nil, nil, rows, length, 0, nil, nil, nil, 0),
        noisemax_relaxed_sample(h, 1, nil, rows, length, 1, 0, 0, nil, nil, nil, 0),
        noisemax_relaxed_pullback(h, 1, nil, nil, rows, length, 1, 0, 0, nil, nil, nil, 0),
        noisemax_inclusions(h, 1, nil, nil, rows, length, 0, nil, nil, 0),
        noisemax_inclusion_pullback(h, 1, nil, nil, nil, rows, length, 0, nil, nil, nil, 0),
        noisemax_scaled_log_probabilities(h, nil, nil, rows, length, 0, nil, nil, 0),
        noisemax_scaled_log_pullback(h, nil, nil, nil, rows, length, 0, nil, nil, nil, 0),
        noisemax_inverse(h, nil, nil, rows, length, 0, nil, nil, 0),
        noisemax_factor_probabilities(h, nil, nil, nil, 3, 1e-3, rows, length, 0, nil, nil, nil, 0),
        noisemax_factor_log_pullback(h, nil, nil, nil, 3, 1e-3, nil, rows, length, 0, nil, nil, nil, nil, 0),
      ]
      #expect(statuses.allSatisfy { $0 == NOISEMAX_OK }, "\(rows) rows of \(length): \(statuses)")
    }
    let statuses = [
      noisemax_ranking_losses(h, nil, nil, nil, 1, 0, many, 0, none, nil, nil, nil, 0),
      noisemax_losses(h, NOISEMAX_FENCHEL_YOUNG, nil, nil, nil, 0, many, 0, none, nil, nil, 0),
      noisemax_expected_sums(h, 1, nil, nil, 0, many, 0, none, nil, nil, nil, 0),
      noisemax_sample(h, nil, 0, many, 1, 0, 0, nil, nil, 0),
      noisemax_scaled_sample(h, nil, nil, 0, many, 1, 0, 0, nil, nil, 0),
    ]
    #expect(statuses.allSatisfy { $0 == NOISEMAX_OK }, "\(statuses)")
  }

  /// Nothing is a number of rows or of classes like any other.
  @Test func rowsWithoutClasses() throws {
    let h = try Handle("normal")
    var (values, indices) = ([-7.0, -7], [Int64(-7), -7])
    #expect(noisemax_inclusions(h.pointer, 1, nil, nil, 2, 0, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_inclusions(h.pointer, 5, nil, nil, 0, 5, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(
      noisemax_inclusion_pullback(h.pointer, 1, nil, nil, nil, 2, 0, 0, nil, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_scaled_log_probabilities(h.pointer, nil, nil, 2, 0, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_inverse(h.pointer, nil, nil, 2, 0, 0, nil, nil, 0) == NOISEMAX_OK)
    #expect(noisemax_expected_sums(h.pointer, 1, nil, nil, 2, 0, 0, &values, nil, nil, nil, 0) == NOISEMAX_OK)
    #expect(values == [-.infinity, -.infinity])
    #expect(
      noisemax_ranking_losses(h.pointer, nil, nil, nil, 0, 2, 0, 0, &values, nil, nil, nil, 0) == NOISEMAX_OK)
    #expect(values == [0, 0])
    #expect(noisemax_scaled_sample(h.pointer, nil, nil, 2, 0, 0, 0, 0, &indices, nil, 0) == NOISEMAX_OK)
    #expect(indices == [-1, -1])
  }

  /// Numbers at the ends of their range have an answer, or their product with the scale of the noise is no scale.
  @Test(arguments: ["normal", "gumbel", "laplace", "uniform"]) func extremes(law: String) throws {
    let (least, most) = (Double.leastNonzeroMagnitude, Double.greatestFiniteMagnitude)
    let rows: [(x: [Double], s: [Double])] = [
      ([0, 1, 2], [least, most, 1]), ([most, -most, 0], [1, 1, 1]), ([most, -most, 0], [most, most, least]),
      ([0, 0, 0], [least, least, least]), ([-0.0, 1e-300, 0], [least, most, least]),
      ([1, 1, 1], [most, most, most]),
    ]
    for scale in [least, 1, most] {
      let handle = try Handle(law, scale: scale)
      for row in rows {
        let testCase = "\(law), scale \(scale), \(row)"
        let widths = row.s.map { $0 * scale }
        let isRefused = widths.contains { $0 == 0 || $0 == .infinity }
        let message = Message()
        var (p, logs, loss) = ([-7.0, -7, -7], [-7.0, -7, -7], -7.0)
        let statuses = [
          noisemax_inclusions(handle.pointer, 2, row.x, row.s, 1, 3, 1, &p, message.start, message.capacity),
          noisemax_scaled_log_probabilities(handle.pointer, row.x, row.s, 1, 3, 1, &logs, nil, 0),
          noisemax_ranking_losses(
            handle.pointer, row.x, row.s, [2, 0], 2, 1, 3, 1, &loss, nil, nil, nil, 0),
        ]
        let expected = isRefused ? NOISEMAX_BAD_ARGUMENT : NOISEMAX_OK
        #expect(statuses.allSatisfy { $0 == expected }, "\(testCase): \(statuses)")
        if isRefused {
          #expect(p + logs + [loss] == [Double](repeating: -7, count: 7), "\(testCase)")
          #expect(message.text.contains("times that of the noise"), "\(testCase): \(message.text)")
        } else {
          let isBounded = p.allSatisfy { $0 >= 0 && $0 <= 1 } && logs.allSatisfy { $0 <= 0 }
          #expect(isBounded, "\(testCase): \(p), \(logs)")
        }
      }
    }
  }
}
