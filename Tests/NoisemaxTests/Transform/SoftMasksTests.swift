import Noisemax
import Testing

/// Classes so far behind that their probability is 0 cost what masked ones cost: not by timing, but by the work that is
/// laid out for a row, and by how often a law is asked.
@Suite struct SoftMasksTests {
  /// Ordinary classes, and after every one of them some that stand for masks.
  private static func row(open: Int, masks: Int, _ mask: (Int) -> Double) -> [Double] {
    let ordinary = (0..<open).map { -Double($0 * 7 % 13) / 4 }
    return ordinary.enumerated().flatMap { index, logit in
      [logit] + (0..<masks).map { mask(index * masks + $0) }
    }
  }

  /// A fresh workspace has room for the nodes and the cells of one row.
  @Test(arguments: NoiseRegistry.entries.map(\.name), [(3, 1), (3, 500), (40, 3), (400, 4)])
  func theyTakeTheRoomOfMasks(law: String, size: (open: Int, masks: Int)) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    func room<Scalar: LogitScalar>(_ row: [Scalar]) -> (probabilities: Int, pullback: Int) {
      var result = row
      var span = result.mutableSpan
      var workspace = NoisyArgmax.Workspace()
      argmax.writeProbabilities(for: row.span, to: &span, workspace: &workspace)
      var other = NoisyArgmax.Workspace()
      let cotangent = row.map { $0 > -2 ? 1 : 0 as Scalar }
      argmax.writePullback(
        atRowsOf: row.span, of: cotangent.span, rowLength: row.count, to: &span, workspace: &other)
      return (workspace.room, other.room)
    }
    let hard = Self.row(open: size.open, masks: size.masks) { _ in -.infinity }
    let expected = (room(hard), room(hard.map { Float($0) }))
    // Equal ones, and ones at all distances.
    for mask in [{ _ in -1e9 }, { -1e6 * Double($0 + 1) }, { -1e4 - Double($0) }] as [(Int) -> Double] {
      let soft = Self.row(open: size.open, masks: size.masks, mask)
      #expect(room(soft) == expected.0, "\(law), \(soft)")
      #expect(room(soft.map { Float($0) }) == expected.1, "\(law), \(soft)")
    }
  }

  @Test func theLawIsNotAskedAboutThem() {
    for base in [Exponential(), Laplace(), Uniform()] as [any PiecewiseNoise] {
      let law = Counting(base: base)
      let argmax = NoisyArgmax(law)
      func evaluations(_ row: [Double]) -> Int {
        let before = law.count.value
        _ = argmax.probabilities(for: row)
        _ = argmax.pullback(at: row, of: row.map { $0 > -2 ? 1 : 0 })
        _ = argmax.expectedMaximum(of: row)
        return law.count.value - before
      }
      let alone = evaluations(Self.row(open: 5, masks: 0) { _ in 0 })
      #expect(alone > 0)
      for mask in [{ _ in -.infinity }, { _ in -1e9 }, { -1e6 * Double($0 + 1) }] as [(Int) -> Double] {
        let row = Self.row(open: 5, masks: 20, mask)
        #expect(evaluations(row) == alone, "\(base), \(row)")
      }
    }
  }
}
