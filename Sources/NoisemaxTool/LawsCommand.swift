import Charts
import CommandLineConventions
import Noisemax

/// `noisemax laws`: what `--noise` takes.
enum LawsCommand {
  static let command = Command(
    "laws", "the laws of noise, with support, mean, variance and methods",
    summary: """
      Lists the laws of noise: where their noise lies, its mean and variance, and the methods that
      serve them.
      """
  ) { _, output throws(Failure) in try output.write(text) }

  private static var text: String {
    var lines = [["law", "support", "mean", "variance", "methods"]]
    for law in ShippedLaw.all {
      let (mean, variance) = (shortestDecimal(law.noise.mean), shortestDecimal(law.noise.variance))
      lines.append([law.name, support(of: law.noise), mean, variance, "exact, quantile-rule"])
    }
    let widths = lines[0].indices.map { column in (lines.map { $0[column].count }.max() ?? 0) + 2 }
    var text = ""
    for line in lines {
      for (cell, width) in zip(line.dropLast(), widths) { text += cell.padded(to: width) }
      text += line[line.count - 1] + "\n"
    }
    return text
  }

  private static func support(of noise: any ExactNoise) -> String {
    let (lowest, highest) = (noise.quantile(at: 0), noise.quantile(at: 1))
    return (lowest.isFinite ? "[" : "(") + shortestDecimal(lowest) + ", " + shortestDecimal(highest)
      + (highest.isFinite ? "]" : ")")
  }
}
