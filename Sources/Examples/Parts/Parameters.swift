/// Numbers that are learned, with their gradient and what Adam remembers of it.
package struct Parameters: Sendable {
  package var values: [Float]
  /// What pullbacks have added since the last step.
  package var gradient: [Float]
  /// The moving means of the gradient and of its square.
  private var mean, square: [Float]
  private var steps = 0

  package init(_ values: [Float]) {
    self.values = values
    gradient = values.map { _ in 0 }
    (mean, square) = (gradient, gradient)
  }

  /// One step of Adam (Kingma and Ba, 2015) against the gradient, which then begins anew at 0.
  package mutating func step(rate: Float) {
    steps += 1
    // The means begin at 0: early ones are too small by these factors.
    let (meanShare, squareShare) = (1 - power(0.9, steps), 1 - power(0.999, steps))
    for index in values.indices {
      let slope = gradient[index]
      mean[index] += 0.1 * (slope - mean[index])
      square[index] += 0.001 * (slope * slope - square[index])
      let size = (square[index] / squareShare).squareRoot() + 1e-8
      values[index] -= rate * (mean[index] / meanShare) / size
      gradient[index] = 0
    }
  }
}

private func power(_ base: Float, _ exponent: Int) -> Float {
  var (result, square, rest) = (Float(1), base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
