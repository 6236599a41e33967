package import Noisemax

/// A layer of a network: rows x become x·W + b.
package struct Dense: Sendable {
  /// W, input by input: the weights of input i to all outputs stand together.
  package var weights: Parameters
  /// b.
  package var biases: Parameters
  package let inputs, outputs: Int

  /// A layer with random weights of the size that keeps the size of signals and of gradients (Glorot and Bengio, 2010).
  package init(_ inputs: Int, _ outputs: Int, using generator: inout StreamGenerator) {
    let size = (6 / Float(inputs + outputs)).squareRoot()
    weights = Parameters(
      (0..<inputs * outputs).map { _ in Float.random(in: -size...size, using: &generator) })
    biases = Parameters([Float](repeating: 0, count: outputs))
    (self.inputs, self.outputs) = (inputs, outputs)
  }

  /// x·W + b.
  package func callAsFunction(_ x: Rows<Float>) -> Rows<Float> {
    precondition(x.rowLength == inputs, "rows of \(x.rowLength) do not fit a layer of \(inputs) inputs")
    let elements = [Float](unsafeUninitializedCapacity: x.count * outputs) { result, count in
      let start = result.baseAddress.unsafelyUnwrapped
      weights.values.withUnsafeBufferPointer { weights in
        x.elements.withUnsafeBufferPointer { x in
          for row in 0..<x.count / inputs {
            let y = start + row * outputs
            y.initialize(from: biases.values, count: outputs)
            for input in 0..<inputs where x[row * inputs + input] != 0 {
              add(x[row * inputs + input], weights.baseAddress! + input * outputs, to: y, count: outputs)
            }
          }
        }
      }
      count = x.count * outputs
    }
    return Rows(elements, length: outputs)
  }

  /// Adds the gradients in W and b to those of the parameters.
  ///
  /// - Parameters:
  ///   - cotangent: the gradient of the loss in what the layer gave.
  ///   - x: what the layer was given.
  /// - Returns: the gradient of the loss in x.
  package mutating func pullback(of cotangent: Rows<Float>, at x: Rows<Float>) -> Rows<Float> {
    precondition(
      x.rowLength == inputs && cotangent.rowLength == outputs && x.count == cotangent.count,
      "\(cotangent.count) rows of \(cotangent.rowLength) do not fit \(x.count) rows of \(x.rowLength)")
    let (inputs, outputs, values) = (inputs, outputs, weights.values)
    let elements = [Float](unsafeUninitializedCapacity: x.count * inputs) { result, count in
      weights.gradient.withUnsafeMutableBufferPointer { inWeights in
        biases.gradient.withUnsafeMutableBufferPointer { inBiases in
          values.withUnsafeBufferPointer { weights in
            cotangent.elements.withUnsafeBufferPointer { cotangent in
              x.elements.withUnsafeBufferPointer { x in
                for row in 0..<x.count / inputs {
                  let v = cotangent.baseAddress! + row * outputs
                  add(1, v, to: inBiases.baseAddress!, count: outputs)
                  for input in 0..<inputs {
                    let slot = row * inputs + input
                    result[slot] = product(weights.baseAddress! + input * outputs, v, count: outputs)
                    if x[slot] != 0 {
                      add(x[slot], v, to: inWeights.baseAddress! + input * outputs, count: outputs)
                    }
                  }
                }
              }
            }
          }
        }
      }
      count = x.count * inputs
    }
    return Rows(elements, length: inputs)
  }

  package mutating func step(rate: Float) {
    weights.step(rate: rate)
    biases.step(rate: rate)
  }
}

/// y += a·x.
@inline(__always)
private func add(_ a: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
  for index in 0..<count { y[index] += a * x[index] }
}

/// ⟨x, y⟩, in eight sums: the compiler may not reorder one.
@inline(__always)
private func product(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Float {
  let (left, right) = (UnsafeRawPointer(x), UnsafeRawPointer(y))
  var sums = SIMD8<Float>()
  let vectors = count / 8
  for vector in 0..<vectors {
    sums +=
      left.loadUnaligned(fromByteOffset: 32 * vector, as: SIMD8<Float>.self)
      * right.loadUnaligned(fromByteOffset: 32 * vector, as: SIMD8<Float>.self)
  }
  var sum = sums.sum()
  for index in 8 * vectors..<count { sum += x[index] * y[index] }
  return sum
}
