/// The least value of a smooth function, by BFGS with the step halved until it gains.
///
/// - Parameters:
///   - start: where to begin.
///   - tolerance: a step whose gain, by the slope, is below this is the last.
///   - function: the value and its gradient.
/// - Returns: where it is least, and the value there.
package func minimum(
  from start: [Double], tolerance: Double = 1e-9,
  of function: ([Double]) -> (value: Double, gradient: [Double])
) -> (point: [Double], value: Double) {
  let count = start.count
  var point = start
  var (value, gradient) = function(point)
  // An estimate of the inverse of the second derivatives: at first a step of length 1.
  let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
  var inverse = (0..<count).map { row in (0..<count).map { $0 == row ? 1 / max(length, 1e-300) : 0 } }
  for _ in 0..<500 {
    let direction = inverse.map { -product($0, gradient) }
    let slope = product(direction, gradient)
    if -slope < tolerance { break }
    var size = 1.0
    var next = (point: point, value: Double.infinity, gradient: gradient)
    while size > 1e-12 {
      next.point = zip(point, direction).map { $0 + size * $1 }
      (next.value, next.gradient) = function(next.point)
      if next.value <= value + 1e-4 * size * slope { break }
      size /= 2
    }
    guard next.value <= value else { break }
    let step = direction.map { size * $0 }
    let change = zip(next.gradient, gradient).map { $0 - $1 }
    let curvature = product(step, change)
    if curvature > 0 {
      let image = inverse.map { product($0, change) }
      let factor = (1 + product(change, image) / curvature) / curvature
      for row in 0..<count {
        for column in 0..<count {
          inverse[row][column] +=
            factor * step[row] * step[column]
            - (image[row] * step[column] + step[row] * image[column]) / curvature
        }
      }
    }
    (point, value, gradient) = next
  }
  return (point, value)
}

/// How a gradient changes with one coordinate, by central differences.
package func difference(
  at point: [Double], along index: Int, step: Double = 1e-4, of gradient: ([Double]) -> [Double]
) -> [Double] {
  var (above, below) = (point, point)
  above[index] += step
  below[index] -= step
  return zip(gradient(above), gradient(below)).map { ($0 - $1) / (2 * step) }
}

/// The inverse of a symmetric positive matrix, by Gauss and Jordan; NaN where it has none.
package func inverse(of matrix: [[Double]]) -> [[Double]] {
  let count = matrix.count
  var rows = matrix.indices.map { row in matrix[row] + (0..<count).map { $0 == row ? 1.0 : 0 } }
  for pivot in 0..<count {
    let divisor = rows[pivot][pivot]
    for column in rows[pivot].indices { rows[pivot][column] /= divisor }
    for row in 0..<count where row != pivot {
      let factor = rows[row][pivot]
      for column in rows[row].indices { rows[row][column] -= factor * rows[pivot][column] }
    }
  }
  return rows.map { Array($0[count...]) }
}

private func product(_ one: [Double], _ other: [Double]) -> Double {
  zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
}
