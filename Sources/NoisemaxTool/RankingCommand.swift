import CommandLineConventions
import Noisemax

/// `noisemax ranking`: how likely the classes come in an order.
enum RankingCommand {
  static let command = Command(
    "ranking", "the log-probability that the classes of each row come in an order",
    usage: ["--order LIST [options] [FILE]"],
    summary: """
      Reads rows of logits and writes for every row one number: the logarithm of the probability that,
      once noise is added to every logit, the classes of an order come first and in this order. With
      --order 2,0 class 2 is the largest, class 0 the second, and all others come after.
      """,
    options: [
      Option("--order", "LIST", "the classes that come first, counted from 0, such as 2,0"),
      RowOptions.noise, RowOptions.scale, RowOptions.scales, RowOptions.float, RowOptions.longestRow,
    ],
    operands: Operands(.file),
    notes: """
      An order that cannot be, as with a masked class, has -inf. Every scale is above 0.

      \(RowOptions.notes)
      """
  ) { arguments, output throws(Failure) in
    let options = try RowOptions(arguments)
    let ordering = try ordering(arguments.value(of: "--order"))
    if options.usesFloat {
      try run(ordering, options, as: Float.self, to: output)
    } else {
      try run(ordering, options, as: Double.self, to: output)
    }
  }

  private static func run<Scalar: DecimalScalar>(
    _ ordering: [Int], _ options: RowOptions, as type: Scalar.Type, to output: borrowing StandardOutput
  ) throws(Failure) {
    let scales = try options.classScales(as: type)
    try scales?.requireNoise(for: "--order")
    try RowRanking(argmax: options.argmax, ordering: ordering, scales: scales).run(options, to: output)
  }

  private static func ordering(_ list: String?) throws(Failure) -> [Int] {
    guard let list else { throw Failure(.usage, "which order? --order 2,0 is class 2 before class 0") }
    var ordering: [Int] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let index = try wholeNumber(part, of: "--order", in: 0...Int.max)
      if ordering.contains(index) { throw Failure(.usage, "--order has \(index) twice") }
      ordering.append(index)
    }
    return ordering
  }
}

private struct RowRanking<Scalar: DecimalScalar>: RowQuantity {
  let argmax: NoisyArgmax
  let ordering: [Int]
  let scales: ClassScales<Scalar>?

  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String? {
    if let index = ordering.first(where: { $0 >= row.count }) {
      return "there is no class \(index), which is in --order: the classes are 0 to \(row.count - 1)"
    }
    if let complaint = scales?.complaint(about: row, tiesAreFine: true) { return complaint }
    text.append(argmax.orderingLogProbability(for: row, ordering: ordering, scales: scales?.values))
    return nil
  }
}
