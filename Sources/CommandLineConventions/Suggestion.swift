/// The word that a mistyped one was probably meant to be: the only one that it begins, or one that is not far from it.
func suggestion(for word: String, outOf known: [String]) -> String? {
  guard word.count <= 40 else { return nil }
  let begun = known.filter { $0.hasPrefix(word) }
  if begun.count == 1, word.count > 1, word != "--" { return begun[0] }
  let letters = Array(word.lowercased())
  let nearest = known.map { ($0, distance(letters, Array($0))) }.min { $0.1 < $1.1 }
  guard let (name, distance) = nearest, distance <= max(1, letters.count / 3) else { return nil }
  return name
}

/// How many letters must be left out, put in, changed, or swapped with the next one.
private func distance(_ one: [Character], _ other: [Character]) -> Int {
  var rows = [Array(0...other.count)]
  for i in one.indices {
    var row = [i + 1]
    for j in other.indices {
      let changed = rows[i][j] + (one[i] == other[j] ? 0 : 1)
      var least = min(changed, rows[i][j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
        least = min(least, rows[i - 1][j - 1] + 1)
      }
      row.append(least)
    }
    rows.append(row)
  }
  return rows[one.count][other.count]
}
