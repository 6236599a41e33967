/// Rows of text under a header, as Markdown whose columns line up.
package struct Table: Sendable {
  package var title: String
  package var header: [String]
  package var rows: [[String]]

  package init(_ title: String, header: [String], rows: [[String]] = []) {
    (self.title, self.header, self.rows) = (title, header, rows)
  }

  package var text: String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      return "| " + padded.joined(separator: " | ") + " |\n"
    }
    let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) + "|" }.joined() + "\n"
    return "\(title)\n\n" + line(header) + rule + rows.map(line).joined()
  }
}

/// The mean of several runs and its standard error, as percents: `97.3 ± 0.2`.
package func withError(_ shares: [Double]) -> String {
  let mean = shares.mean()
  let squares = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  let count = Double(shares.count)
  let error = count > 1 ? " ± " + percent((squares / (count * (count - 1))).squareRoot()) : ""
  return percent(mean) + error
}
