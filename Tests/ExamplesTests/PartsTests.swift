import ExampleParts
import Noisemax
import Testing

/// What the examples share besides layers and digits.
@Suite struct PartsTests {
  @Test func rowsAreTransformedInPlace() {
    let x = Rows<Float>([1, -2, 3, -4, 5, 6], length: 2)
    #expect(rectified(x).elements == [1, 0, 3, 0, 5, 6])
    let v = Rows<Float>([1, 2, 3, 4, 5, 6], length: 2)
    #expect(rectifiedPullback(of: v, at: rectified(x)).elements == [1, 0, 3, 0, 5, 6])
    #expect(x.combined(with: v, +).elements == [2, 0, 6, 0, 10, 12])
    #expect(x.rows([2, 0]).elements == [5, 6, 1, -2])
    #expect(x.scattered(to: [0, 3, 2], of: 4).elements == [1, -2, 0, 0, 5, 6, 3, -4])
    #expect(Rows(repeating: [1, 2], count: 2).elements == [1, 2, 1, 2])
    // Two parts of two rows, and what moves out of one is lost.
    let parts = Rows<Float>([1, 2, 3, 4], length: 1)
    #expect(parts.moved(by: 1, inParts: 2).elements == [0, 1, 0, 3])
    #expect(parts.moved(by: -1, inParts: 2).elements == [2, 0, 4, 0])
  }

  @Test func rowsOfArraysMultiplyAndAdd() {
    let (x, y) = ([1, 2, 3, 4] as [Float], [5, 6, 7, 8] as [Float])
    #expect(rowProduct(x, 1, y, 0, width: 2) == 39)
    var sum = y
    addRow(10, x, 0, to: &sum, 1, width: 2)
    #expect(sum == [5, 6, 17, 28])
    #expect(relativeDistance([3, 8], [3, 4]) == 0.8)
  }

  @Test func smallStatistics() {
    #expect([1, 3, 3, 2].indexOfLargest() == 1)
    #expect([Float]().indexOfLargest() == nil)
    #expect([1.0, 2, 6].mean() == 3)
    // The deviations −0.02, 0, 0.02: √(0.0008/(3·2)) is 0.0115.
    #expect(withError([0.92, 0.94, 0.96]) == "94.0 ± 1.2")
    #expect(withError([0.5]) == "50.0")
    #expect(fixed(.infinity, 2) == "∞" && fixed(-1.25, 1) == "−1.3" && percent(0.125) == "12.5")
  }

  @Test func columnsLineUp() {
    let table = Table("Title", header: ["a", "longer"], rows: [["wide cell", "1"], ["", "∞"]])
    #expect(
      table.text == """
        Title

        | a         | longer |
        |-----------|--------|
        | wide cell | 1      |
        |           | ∞      |

        """)
  }

  @Test func checksComplainOfWhatIsMissed() throws {
    #expect(Check("x", 1, atLeast: 1).complaint == nil && Check("x", 1, atMost: 1).complaint == nil)
    #expect(Check("x", 0.5, atLeast: 1).complaint == "x should be at least 1.0, and is 0.5")
    #expect(Check("x", 2, atMost: 1).complaint == "x should be at most 1.0, and is 2.0")
    #expect(Check("x", .nan, atLeast: 1).complaint != nil && Check("x", .nan, atMost: 1).complaint != nil)
  }

  /// Rosenbrock's valley has its least value, 0, at (1, 1), where its second derivatives are known.
  @Test func theMinimumIsFound() {
    func valley(_ p: [Double]) -> (value: Double, gradient: [Double]) {
      let (a, b) = (1 - p[0], p[1] - p[0] * p[0])
      return (a * a + 100 * b * b, [-2 * a - 400 * p[0] * b, 200 * b])
    }
    let (point, value) = minimum(from: [-1.2, 1], tolerance: 1e-14, of: valley)
    #expect(value < 1e-10 && point.allSatisfy { ($0 - 1).magnitude < 1e-4 }, "\(point) \(value)")
    let second = (0..<2).map { difference(at: [1, 1], along: $0) { valley($0).gradient } }
    for (row, expected) in zip(second, [[802.0, -400], [-400, 200]]) {
      for (entry, expected) in zip(row, expected) {
        #expect((entry - expected).magnitude < 1e-3, "\(second)")
      }
    }
    let back = inverse(of: [[802, -400], [-400, 200]])
    for (row, expected) in zip(back, [[0.5, 1], [1, 2.005]]) {
      for (entry, expected) in zip(row, expected) { #expect((entry - expected).magnitude < 1e-9, "\(back)") }
    }
  }
}
