import CommandLineConventions
import Noisemax

/// `noisemax samples`: indices, drawn.
enum SamplesCommand {
  static let command = Command(
    "samples", "the index of the winner, drawn again and again for each row", usage: ["[options] [FILE]"],
    summary: """
      Reads rows of logits and writes for every row the indices of classes that won, counted from 0:
      each time fresh noise is added to every logit, and the largest wins.
      """,
    options: [
      Option("--count", "N", "how many indices for each row (1)"),
      Option("--seed", "N", "where the randomness begins: the same seed, the same output (1)"),
      RowOptions.noise, RowOptions.scale, RowOptions.scales, RowOptions.float, RowOptions.longestRow,
    ],
    operands: Operands(.file),
    notes: """
      What a row draws depends on the seed, on how many rows come before it, and on itself.
      These draws protect no secret: see the page on sampling about differential privacy.

      \(RowOptions.notes)
      """
  ) { arguments, output throws(Failure) in
    let options = try RowOptions(arguments)
    let count = try wholeNumber(arguments.value(of: "--count") ?? "1", of: "--count", in: 1...10_000_000)
    let seed = try wholeNumber(arguments.value(of: "--seed") ?? "1", of: "--seed", in: 0...Int.max)
    if options.usesFloat {
      let scales = try options.classScales(as: Float.self)
      let samples = RowSamples(argmax: options.argmax, scales: scales, count: count, seed: UInt64(seed))
      try samples.run(options, to: output)
    } else {
      let scales = try options.classScales(as: Double.self)
      let samples = RowSamples(argmax: options.argmax, scales: scales, count: count, seed: UInt64(seed))
      try samples.run(options, to: output)
    }
  }
}

private struct RowSamples<Scalar: DecimalScalar>: RowQuantity {
  let argmax: NoisyArgmax
  let scales: ClassScales<Scalar>?
  let count: Int
  let seed: UInt64

  /// Row r draws from stream r of the seed.
  var countsRows: Bool { true }

  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String? {
    if let complaint = scales?.complaint(about: row, tiesAreFine: true) { return complaint }
    if row.allSatisfy({ $0 == -.infinity }) { return "every class is masked: there is nothing to draw" }
    var generator = StreamGenerator(seed: seed, stream: UInt64(number))
    let indices: [Int]
    if let scales {
      indices = (0..<count).compactMap { _ in
        argmax.randomIndex(for: row, scales: scales.values, using: &generator)
      }
    } else {
      indices = argmax.randomIndices(for: row, count: count, using: &generator)
    }
    text.write(indices.map(String.init).joined(separator: ","))
    return nil
  }
}
