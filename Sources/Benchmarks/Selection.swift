/// What `--only` picks: a case is picked if it has all the parts of one of the texts, in their order. The parts are
/// whole, so that `10` is not also 100 and `gumbel` not also `reversed-gumbel`.
package struct Selection: Sendable {
  private let texts: [[String]]

  /// Texts separated by commas, each of parts separated by slashes: `normal/exact/Double/1000`, `gumbel/10,uniform`.
  package init(_ list: String) {
    texts = list.lowercased().split(separator: ",").map { $0.split(separator: "/").map(String.init) }
  }

  package func picks(_ candidate: BenchmarkCase) -> Bool {
    texts.contains { text in
      var wanted = text[...]
      for part in candidate.parts where part.lowercased() == wanted.first { wanted.removeFirst() }
      return wanted.isEmpty && !text.isEmpty
    }
  }
}
