import ExampleParts
import Noisemax
import Testing

/// A layer and the numbers that it learns.
@Suite struct DenseTests {
  private func layer() -> Dense {
    var generator = StreamGenerator(seed: 1)
    return Dense(3, 9, using: &generator)
  }
  private let x = Rows<Float>([1, -2, 0, 0.5, 0, 4], length: 3)

  /// Nine outputs: one vector of eight and one more.
  @Test func itIsTheProductAndTheBiases() {
    var layer = layer()
    layer.biases.values = (0..<9).map { Float($0) }
    let y = layer(x)
    #expect(y.count == 2 && y.rowLength == 9)
    for row in 0..<2 {
      for output in 0..<9 {
        var expected = Float(output)
        for input in 0..<3 { expected += x[row, input] * layer.weights.values[9 * input + output] }
        #expect((y[row, output] - expected).magnitude < 1e-5, "row \(row), output \(output): \(y)")
      }
    }
  }

  /// ⟨v, y⟩ is linear in the weights, in the biases and in x: its differences are its slopes.
  @Test func thePullbackIsTheSlope() {
    var layer = layer()
    let v = Rows((0..<18).map { Float($0 % 5) - 1.5 }, length: 9)
    let inX = layer.pullback(of: v, at: x)
    func value(_ layer: Dense, _ x: Rows<Float>) -> Float {
      zip(layer(x).elements, v.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let start = value(layer, x)
    for slot in 0..<27 {
      var moved = layer
      moved.weights.values[slot] += 1
      let slope = value(moved, x) - start
      #expect((slope - layer.weights.gradient[slot]).magnitude < 1e-4, "weight \(slot)")
    }
    for output in 0..<9 {
      var moved = layer
      moved.biases.values[output] += 1
      #expect((value(moved, x) - start - layer.biases.gradient[output]).magnitude < 1e-4, "bias \(output)")
    }
    for slot in 0..<6 {
      var elements = x.elements
      elements[slot] += 1
      let slope = value(layer, Rows(elements, length: 3)) - start
      #expect((slope - inX.elements[slot]).magnitude < 1e-4, "x \(slot)")
    }
  }

  @Test func pullbacksAddUp() {
    var layer = layer()
    let v = Rows([Float](repeating: 1, count: 18), length: 9)
    _ = layer.pullback(of: v, at: x)
    let once = layer.weights.gradient
    _ = layer.pullback(of: v, at: x)
    #expect(layer.weights.gradient == once.map { 2 * $0 })
    #expect(layer.biases.gradient == [Float](repeating: 4, count: 9))
  }

  /// Adam's first step is the rate, against the sign of the gradient, whatever its size; then the gradient is 0 again. A
  /// second one, of twice the gradient, by the formulas of the article.
  @Test func stepsAreAdams() {
    var parameters = Parameters([1, 1, 1])
    parameters.gradient = [3, -0.01, 0]
    parameters.step(rate: 0.1)
    for (value, expected) in zip(parameters.values, [0.9, 1.1, 1]) {
      #expect((Double(value) - expected).magnitude < 1e-5, "\(parameters.values)")
    }
    #expect(parameters.gradient == [0, 0, 0])
    parameters.gradient = [6, 0, 0]
    parameters.step(rate: 0.1)
    let mean = (0.9 * 0.1 * 3 + 0.1 * 6) / (1 - 0.81)
    let square = (0.999 * 0.001 * 9 + 0.001 * 36) / (1 - 0.999 * 0.999)
    let expected = 0.9 - 0.1 * mean / square.squareRoot()
    #expect((Double(parameters.values[0]) - expected).magnitude < 1e-5, "\(parameters.values)")
  }
}
