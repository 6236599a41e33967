import CommandLineConventions
import Noisemax

/// `noisemax logits`: rows of probabilities in, rows of logits out.
enum LogitsCommand {
  static let command = Command(
    "logits", "rows of probabilities in, rows of logits out", usage: ["[options] [FILE]"],
    summary: """
      Reads rows of probabilities and writes for every row the logits that have them under the noise:
      those of mean 0. A class of probability 0 has the logit -inf.
      """,
    options: [RowOptions.noise, RowOptions.scale, RowOptions.float, RowOptions.longestRow],
    operands: Operands(.file),
    notes: """
      A row sums to 1, within 1e-6 or, with --float, 1e-3. Under noise of bounded support a class of
      probability 0 has the largest logit that cannot win.

      \(RowOptions.notes)
      """
  ) { arguments, output throws(Failure) in
    let options = try RowOptions(arguments)
    if options.usesFloat {
      try RowLogits<Float>(argmax: options.argmax).run(options, to: output)
    } else {
      try RowLogits<Double>(argmax: options.argmax).run(options, to: output)
    }
  }
}

private struct RowLogits<Scalar: DecimalScalar>: RowQuantity {
  let argmax: NoisyArgmax

  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String? {
    if let complaint = NoisyArgmax.complaint(aboutProbabilities: row) { return complaint }
    text.append(row: argmax.logits(for: row))
    return nil
  }
}
