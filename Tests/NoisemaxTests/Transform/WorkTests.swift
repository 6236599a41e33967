import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// No row takes more than a stated multiple of the work of an ordinary one of its size: 20, and 100 for log-probabilities and
/// their pullbacks. Not by timing: by the memory that the nodes of a row take in a fresh workspace.
@Suite struct WorkTests {
  enum Quantity: CaseIterable, Sendable {
    case probabilities, logProbabilities, expectedMaximum, pullback, logProbabilitiesPullback

    /// Under Exponential and Laplace noise logarithms cost no more than probabilities.
    func multiple(under law: String) -> Int {
      let isOfLogarithms = self == .logProbabilities || self == .logProbabilitiesPullback
      return isOfLogarithms && law != "exponential" && law != "laplace" ? 100 : 20
    }

    /// How much memory a row takes.
    func room(of row: [Double], under argmax: NoisyArgmax) -> Int {
      var result = row
      let v = row.indices.map { cos(Double($0)) }
      var workspace = NoisyArgmax.Workspace(threads: 1)
      var span = result.mutableSpan
      switch self {
      case .probabilities: argmax.writeProbabilities(for: row.span, to: &span, workspace: &workspace)
      case .logProbabilities: argmax.writeLogProbabilities(for: row.span, to: &span, workspace: &workspace)
      case .expectedMaximum:
        var value = [0.0]
        var valueSpan = value.mutableSpan
        argmax.writeValues(of: .expectedMaximum, for: row.span, to: &valueSpan, workspace: &workspace)
      case .pullback:
        argmax.writePullback(
          for: row.span, of: v.span, rowLength: row.count, to: &span, workspace: &workspace)
      case .logProbabilitiesPullback:
        argmax.writeLogProbabilitiesPullback(
          for: row.span, of: v.span, rowLength: row.count, to: &span, workspace: &workspace)
      }
      return workspace.room
    }
  }

  /// Those whose nodes are laid as a row needs them; the memory of a row on the lattice is for the most it could need.
  static let laws = ["uniform", "exponential", "laplace"]

  private static func ordinary(_ count: Int, under law: String) -> [Double] {
    (0..<count).map { (law == "uniform" ? 0.4 : 1) * sin(Double($0 * $0)) }
  }

  /// Rows that were slow once, or could be.
  static func rows(under law: String) -> [(name: String, row: [Double])] {
    let numbers = (0..<(isDebugBuild ? 200 : 1000)).map { Double($0) }
    let shares = numbers.map { $0 / Double(numbers.count - 1) }
    let few = numbers[..<100]
    var rows: [(name: String, row: [Double])] = []
    rows.append(("one at −650", ordinary(99, under: law) + [-650]))
    rows.append(("−500…−700", few.map { $0 == 0 ? 0 : -500 - 2 * $0 }))
    rows.append(("−1e6", numbers.map { $0 == 0 ? 0 : -1e6 - $0 }))
    rows.append(("powers", numbers.map { 0 - pow(1.01, $0) }))
    rows.append(("steps of one", numbers.map { 0 - $0 }))
    rows.append(("all scales", shares.map { 0 - pow(10, -15 + 18 * $0) }))
    rows.append(("two at the top", numbers.map { $0 < 2 ? 0 : -600 - $0 / 16 }))
    rows.append(("ties and far ones", shares.map { $0 < 0.5 ? 0 : -60 * $0 }))
    rows.append(("0…1", shares.map { 0 - $0 }))
    rows.append(("inside the edge", shares.map { 0 - $0 / 2 } + [-1 + 1e-16]))
    rows.append(("least numbers", (0..<(isDebugBuild ? 500 : 4500)).map { Double($0) * 0x1p-1074 }))
    return rows
  }

  @Test(arguments: laws, Quantity.allCases)
  func memoryIsBounded(law: String, quantity: Quantity) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for (name, row) in Self.rows(under: law) {
      let (room, expected) = (
        quantity.room(of: row, under: argmax),
        quantity.room(of: Self.ordinary(row.count, under: law), under: argmax)
      )
      #expect(
        room <= quantity.multiple(under: law) * expected,
        "\(law), \(quantity), \(name), \(row.count) classes: \(room), an ordinary row \(expected)")
    }
  }

  /// On the lattice memory is for the most nodes that a row of such a width could need. Under the law with the longest lower tail
  /// that is up to 32 times as much: what so wide a row has in samples of the law.
  @Test(arguments: Quantity.allCases)
  func memoryOnTheLatticeIsBounded(quantity: Quantity) {
    let argmax = NoisyArgmax(ReversedGumbel())
    let numbers = (0..<100).map { Double($0) }
    let rows: [(String, [Double])] = [
      ("powers", numbers.map { 0 - pow(1.01, 10 * $0) }), ("steps of ten", numbers.map { -10 * $0 }),
      ("all scales", numbers.map { 0 - pow(10, -15 + 18 * $0 / 99) }),
      ("−500…−700", numbers.map { $0 == 0 ? 0 : -500 - 2 * $0 }),
    ]
    let expected = quantity.room(of: numbers.map { sin($0 * $0) }, under: argmax)
    #expect(expected > 0)
    for (name, row) in rows {
      let room = quantity.room(of: row, under: argmax)
      #expect(room <= 32 * expected, "\(quantity), \(name): \(room), an ordinary row \(expected)")
    }
  }

  /// A class whose logit is 1e-100 inside the end of the support, classes as close to one another as numbers are, and such as
  /// fill the support.
  @Test(arguments: Quantity.allCases)
  func classesBesideTheEdgeUnderUniformNoise(quantity: Quantity) {
    let argmax = NoisyArgmax(.uniform)
    let numbers = (0..<1000).map { Double($0) }
    let least = numbers.map { $0 * 0x1p-1074 }
    var rows: [(name: String, row: [Double])] = []
    rows.append(("1e-100 inside", numbers[..<999].map { 1 - 0.5 * $0 / 999 } + [1e-100]))
    rows.append(("least numbers", least))
    rows.append(("least numbers at the edge", [1] + least[..<999]))
    rows.append(("0…1", numbers.map { $0 / 999 }))
    let expected = quantity.room(of: Self.ordinary(1000, under: "uniform"), under: argmax)
    #expect(expected > 0)
    for (name, row) in rows {
      let room = quantity.room(of: row, under: argmax)
      #expect(
        room <= quantity.multiple(under: "uniform") * expected,
        "\(quantity), \(name): \(room), an ordinary row \(expected)")
    }
  }
}
