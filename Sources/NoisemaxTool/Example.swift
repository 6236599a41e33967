import Charts
import CommandLineConventions
import Noisemax

/// What the command shows when it is asked for nothing: one row of logits under every law.
enum Example {
  static let logits = [2, 1, 0.5, -1]
  private static let barWidth = 8

  static var text: String {
    let nameWidth = (ShippedLaw.all.map(\.name.count).max() ?? 0) + 3
    var text = "Which class wins when noise is added to every logit, for one row of logits:\n\n"
    text += "logit".padded(to: nameWidth)
    for logit in logits { text += shortestDecimal(logit).padded(to: barWidth + 7) }
    text = text.trimmingEnd() + "\n"
    for law in ShippedLaw.all {
      var line = law.name.padded(to: nameWidth)
      for probability in NoisyArgmax(law.noise).probabilities(for: logits) {
        line += "\(fixedDecimals(probability, 3)) \(bar(probability))".padded(to: barWidth + 7)
      }
      text += line.trimmingEnd() + "\n"
    }
    return text + """

      Try:  echo 2,1,0.5,-1 | noisemax probabilities --noise gumbel
            noisemax laws
            noisemax --help

      """
  }

  /// A bar in eighths of a character.
  private static func bar(_ probability: Double) -> String {
    let eighths = Int((probability * Double(barWidth * 8)).rounded())
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }
}

extension String {
  fileprivate func trimmingEnd() -> String { String(reversed().drop { $0 == " " }.reversed()) }
}
