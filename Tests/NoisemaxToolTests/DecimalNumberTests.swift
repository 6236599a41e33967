import Noisemax
import NoisemaxTool
import Testing

@Suite struct DecimalNumberTests {
  private func read<Scalar: DecimalScalar>(_ line: String, as type: Scalar.Type) -> [Scalar]? {
    var row: [Scalar] = []
    let error = Array(line.utf8).withUnsafeBufferPointer { LogitRow.append($0, to: &row) }
    return error == nil ? row : nil
  }

  private func error(in line: String) -> FieldError? {
    var row: [Double] = []
    return Array(line.utf8).withUnsafeBufferPointer { LogitRow.append($0, to: &row) }
  }

  @Test func readsEveryWayToWriteANumber() {
    let written: [(String, [Double])] = [
      ("0", [0]), ("-0", [0]), ("007", [7]), ("+1", [1]), ("1.", [1]), (".5", [0.5]), ("-.5e1", [-5]),
      ("1e3", [1000]), ("1E+3", [1000]), ("25e-1", [2.5]), (" 1 ,\t2\t", [1, 2]), ("0e999999999999", [0]),
      ("1e-999999999999", [0]), ("4.9e-324", [.leastNonzeroMagnitude]),
      ("1.7976931348623157e308", [.greatestFiniteMagnitude]),
      ("-inf,INF", [-.infinity, .infinity]), ("-Infinity,+infinity", [-.infinity, .infinity]),
    ]
    for (line, values) in written { #expect(read(line, as: Double.self) == values, "\(line)") }
    #expect(read("-0", as: Double.self)?.first?.sign == .minus)
  }

  @Test func refusesEverythingElse() {
    let messages: [(String, Int, String)] = [
      ("", 1, "empty field: \"\""), ("1,,2", 3, "empty field: \"\""), ("1, ", 4, "empty field: \"\""),
      ("1,abc ,2", 3, "not a number: \"abc\""), ("1 x", 3, "not a number: \"x\""),
      (".", 1, "not a number: \".\""), ("-", 1, "not a number: \"-\""), ("1e", 1, "not a number: \"1e\""),
      ("1e+", 1, "not a number: \"1e+\""), ("--1", 1, "not a number: \"--1\""),
      ("1.2.3", 1, "not a number: \"1.2.3\""), ("0x10", 1, "not a number: \"0x10\""),
      ("1_000", 1, "not a number: \"1_000\""), ("infi", 1, "not a number: \"infi\""),
      ("1;2", 1, "not a number: \"1;2\""), ("1\r", 1, "not a number: \"1\\r\""),
      ("0,\t NaN", 5, "nan is no logit: \"NaN\""), ("-nan", 1, "nan is no logit: \"-nan\""),
      ("1e999", 1, "too large for a Double: \"1e999\""), ("-1e309 ", 1, "too large for a Double: \"-1e309\""),
      ("inf,1,inf", 7, "more than one logit of +infinity: \"inf\""),
      (
        String(repeating: "x", count: 50), 1,
        "not a number: \"" + String(repeating: "x", count: 40) + "…\""
      ),
    ]
    for (line, column, message) in messages {
      let error = error(in: line)
      #expect(error?.column == column && error?.message == message, "\(line): \(error as Any)")
    }
    #expect(read("1e39", as: Float.self) == nil && read("1e39", as: Double.self) == [1e39])
  }

  /// Halfway between two neighbours, just above and just below: where rounding goes wrong if it does.
  @Test func roundsToTheNearest() {
    let ties: [(String, Double)] = [
      ("9007199254740993", 9007199254740992), ("9007199254740995", 9007199254740996),
      ("9007199254740993.0000000000000000001", 9007199254740994),
      ("900719925474099.3e1", 9007199254740992), ("9007199254740993e0", 9007199254740992),
      ("1.00000000000000011102230246251565404236316680908203125", 1),
      ("1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002),
      ("0.1000000000000000055511151231257827", 0.1), ("9999999999999999999", 1e19),
      ("123456789012345678e-22", 1.2345678901234567e-05), ("2.4703282292062328e-324", .leastNonzeroMagnitude),
      ("2.4703282292062327e-324", 0),
    ]
    for (text, value) in ties { #expect(read(text, as: Double.self) == [value], "\(text)") }
    let singles: [(String, Float)] = [
      ("16777217", 16777216), ("16777219", 16777220), ("16777217.0000000001", 16777218),
      ("1.00000005960464477539062500000001", 1.0000001), ("1.000000059604644775390625", 1),
      ("1.00000005960464477539062499999999", 1), ("1e-45", .leastNonzeroMagnitude),
      ("7.1e-46", .leastNonzeroMagnitude), ("7e-46", 0),
      ("3.4028235677973367e38", .infinity), ("3.4028235677973366e38", .greatestFiniteMagnitude),
    ]
    for (text, value) in singles {
      #expect(read(text, as: Float.self) == (value.isInfinite ? nil : [value]), "\(text)")
    }
  }

  /// Random decimals of every length, against the standard library's reading.
  @Test func agreesWithTheStandardLibrary() {
    var state: UInt64 = 7
    func next(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    for _ in 0..<5000 {
      var text = next(2) == 0 ? "-" : ""
      for _ in 0...next(12) { text += String(next(10)) }
      text += "."
      for _ in 0..<next(13) { text += String(next(10)) }
      if next(3) == 0 { text += "e\(Int(next(80)) - 40)" }
      #expect(read(text, as: Double.self)?.first == Double(text), "\(text)")
      let single = Float(text)
      #expect(read(text, as: Float.self)?.first == (single?.isInfinite == true ? nil : single), "\(text)")
    }
  }
}
