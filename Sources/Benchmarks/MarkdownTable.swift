import CommandLineConventions
import Foundation

/// A table in Markdown whose columns also line up as plain text.
package struct MarkdownTable {
  private var lines: [[String]]
  /// How many columns from the left hold text; the rest holds numbers, aligned to the right.
  private let textColumns: Int

  package init(_ header: [String], textColumns: Int) {
    lines = [header]
    self.textColumns = textColumns
  }

  package mutating func append(_ row: [String]) { lines.append(row) }

  package var text: String {
    let widths = lines[0].indices.map { column in max(3, lines.map { $0[column].count }.max() ?? 0) }
    var text = ""
    for (number, line) in lines.enumerated() {
      let cells = zip(line, widths).enumerated().map { column, cell in
        column < textColumns ? cell.0.padded(to: cell.1) : cell.0.padded(before: cell.1)
      }
      text += "| " + cells.joined(separator: " | ") + " |\n"
      if number == 0 {
        let rules = widths.enumerated().map { column, width in
          String(repeating: "-", count: width - (column < textColumns ? 0 : 1))
            + (column < textColumns ? "" : ":")
        }
        text += "| " + rules.joined(separator: " | ") + " |\n"
      }
    }
    return text
  }
}

extension String {
  fileprivate func padded(before width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}

/// A number to some significant digits, in plain decimals: `1.20`, `345`, `0.00731`.
package func significant(_ number: Double, _ digits: Int = 3) -> String {
  guard number.isFinite, number != 0 else { return number == 0 ? "0" : "\(number)" }
  // Rounded first: 9.996 is 10.0 and not 10.00.
  let rounded = Double(String(format: "%.\(digits - 1)e", number)) ?? number
  let magnitude = Int(log10(abs(rounded)).rounded(.down))
  return String(format: "%.\(max(0, digits - 1 - magnitude))f", rounded)
}

/// A time in the unit that suits it: `12.3 ns`, `4.56 ms`.
package func time(nanoseconds: Double) -> String {
  let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6)]
  for (unit, length) in units where nanoseconds < 999.5 * length {
    return significant(nanoseconds / length) + " " + unit
  }
  return significant(nanoseconds / 1e9) + " s"
}

/// An error, to the two digits that matter: `3.1e-08`. Mere roundings, which differ from one machine to the next, are
/// `< 1e-15`.
package func scientific(_ error: Double) -> String {
  abs(error) < 1e-15 ? "< 1e-15" : String(format: "%.1e", error)
}
