import Noisemax
import Testing

/// Many rows are one row after the other, for every quantity and form.
@Suite struct RowsTests {
  static let laws = ShippedLaw.all.map(\.name)
  let elements: [Double] = [0.5, -1, 2, 0, 0, -.infinity, -3, 0.25, 0.125, 1, 1, 1]
  var rows: Rows<Double> { Rows(elements, length: 3) }
  var cotangent: Rows<Double> { Rows(elements.indices.map { Double($0 * 7 % 5) - 2 }, length: 3) }

  @Test func rowsAreWhatTheArrayHolds() {
    #expect(rows.count == 4 && rows.rowLength == 3 && rows.elements == elements)
    #expect(rows[1] == [0, 0, -.infinity] && rows[2, 1] == 0.25 && rows[3, 0] == 1)
    #expect(Rows([Double](), length: 5).count == 0 && Rows([Double](), length: 0).count == 0)
    #expect(rows.map { $0.count } == [3, 3, 3, 3] && Array(rows) == (0..<4).map { rows[$0] })
    #expect("\(Rows([2, 1, -Double.infinity, 0], length: 2))" == "[[2.0, 1.0], [-inf, 0.0]]")
    let floats: Rows<Float> = Rows([1, -.infinity], length: 1)
    #expect(floats.elements == [1, -.infinity])
  }

  @Test(arguments: laws) func everyRowIsAsAlone(law: String) throws {
    let argmax = try NoisyArgmax(named: law, scale: 1.5)
    let (p, logP) = (argmax.probabilities(for: rows), argmax.logProbabilities(for: rows))
    let pulled = argmax.pullback(for: rows, of: cotangent)
    let logPulled = argmax.logProbabilitiesPullback(for: rows, of: cotangent)
    let scales = argmax.scalePullback(for: rows, of: cotangent)
    let jacobians = argmax.jacobian(for: rows)
    #expect(jacobians.count == 12 && jacobians.rowLength == 3)
    for row in 0..<rows.count {
      let (alone, v) = (rows[row], cotangent[row])
      #expect(p[row] == argmax.probabilities(for: alone), "\(law), \(alone)")
      #expect(logP[row] == argmax.logProbabilities(for: alone), "\(law), \(alone)")
      #expect(pulled[row] == argmax.pullback(for: alone, of: v), "\(law), \(alone), \(v)")
      #expect(logPulled[row] == argmax.logProbabilitiesPullback(for: alone, of: v), "\(law), \(alone), \(v)")
      #expect(scales[row] == argmax.scalePullback(for: alone, of: v), "\(law), \(alone), \(v)")
      let jacobian = argmax.jacobian(for: alone)
      for i in 0..<3 { #expect(jacobians[3 * row + i] == jacobian[i], "\(law), \(alone), \(i)") }
    }
    for summary in Summary.allCases {
      let (values, gradients) = argmax.valueWithGradient(of: summary, for: rows)
      #expect(argmax.value(of: summary, for: rows).count == 4)
      for row in 0..<rows.count {
        let (value, gradient) = argmax.valueWithGradient(of: summary, for: rows[row])
        #expect(values[row] == value && gradients[row] == gradient, "\(law), \(summary), \(rows[row])")
      }
    }
  }

  /// From span to span and in place: the same bits as fresh ones.
  @Test(arguments: laws) func formsAgree(law: String) throws {
    let argmax = try NoisyArgmax(named: law)
    var workspace = NoisyArgmax.Workspace()
    var (values, memory) = ([Double](repeating: 9, count: 4), elements)
    for summary in Summary.allCases {
      let (expected, gradient) = argmax.valueWithGradient(of: summary, for: rows)
      memory = elements
      var valueSpan = values.mutableSpan
      var span = memory.mutableSpan
      argmax.formGradients(of: summary, in: &span, rowLength: 3, values: &valueSpan, workspace: &workspace)
      #expect(values == expected && memory == gradient.elements, "\(law), \(summary)")
    }
    var jacobians = [Double](repeating: 9, count: 36)
    var jacobianSpan = jacobians.mutableSpan
    argmax.writeJacobian(for: elements.span, rowLength: 3, to: &jacobianSpan, workspace: &workspace)
    #expect(jacobians == argmax.jacobian(for: rows).elements)
    var scaleSpan = values.mutableSpan
    argmax.writeScalePullbacks(
      for: elements.span, of: cotangent.elements.span, rowLength: 3, to: &scaleSpan, workspace: &workspace)
    #expect(values == argmax.scalePullback(for: rows, of: cotangent))
    var indices = [Int?](repeating: 9, count: 4)
    var indexSpan = indices.mutableSpan
    argmax.writeRandomIndices(
      for: elements.span, rowLength: 3, seed: 5, firstRow: 2, to: &indexSpan, workspace: &workspace)
    #expect(indices == argmax.randomIndex(for: rows, seed: 5, firstRow: 2))
  }

  /// Under Gumbel noise the function has p at hand; it agrees with the pullback in every tail, and masks do not count.
  @Test(arguments: laws) func thePullbackThatFollowsIsThePullback(law: String) throws {
    let argmax = try NoisyArgmax(named: law, scale: 0.5)
    let logits: [Double] = [0, -1, -.infinity, -30, -300, -20, 0, 0.25, 0.5]
    let v: [Double] = [1, 3, .nan, -2, 5, -1, 4, 0, 2]
    for row in [Rows(logits, length: 9), Rows(logits, length: 3)] {
      let (p, pullback) = argmax.probabilitiesWithPullback(for: row)
      #expect(p == argmax.probabilities(for: row))
      let expected = argmax.pullback(for: row, of: Rows(v, length: row.rowLength)).elements
      let pulled = pullback(Rows(v, length: row.rowLength)).elements
      for index in pulled.indices {
        #expect(
          isClose(pulled[index], expected[index], within: 1e-14 * expected[index].magnitude),
          "\(law), \(index): \(pulled), \(expected)")
      }
    }
    let floats = argmax.probabilitiesWithPullback(for: [0, -40] as [Float]).pullback([1, 0])
    let doubles = argmax.pullback(for: [0, -40], of: [1, 0])
    #expect((Double(floats[0]) - doubles[0]).magnitude <= 1e-5 * doubles[0], "\(floats), \(doubles)")
  }

  @Test func literalsMeanDouble() throws {
    let argmax = NoisyArgmax(.gumbel)
    let p = argmax.probabilities(for: [2, 1, 0])
    #expect(type(of: p) == [Double].self)
    #expect(type(of: argmax.expectedMaximum(for: [2, 1])) == Double.self)
    #expect(type(of: argmax.pullback(for: [2, 1], of: [1, 0])) == [Double].self)
    #expect(argmax.probabilities(for: [0, -.infinity]) == [1, 0])
  }

  @Test func otherShapesTrap() async throws {
    let shapes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let square = Rows([1.0, 2, 3, 4], length: 2)
      _ = NoisyArgmax(.gumbel).pullback(for: square, of: Rows(square.elements, length: 4))
    }
    let text = String(decoding: try #require(shapes).standardErrorContent, as: UTF8.self)
    #expect(text.contains("2 rows of 2 logits do not fit a cotangent of 1 rows of 4"), "\(text)")
  }
}
