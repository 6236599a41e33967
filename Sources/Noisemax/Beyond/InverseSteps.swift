// What steps of the search for an inverse are solved by.

/// The x with A x = b for which no combination of b, A b, A² b, … has a smaller residual (GMRES).
func minimalResidual(
  _ b: [Double], _ tolerance: Double, _ image: ([Double]) -> [Double]
) -> [Double] {
  let length = product(b, b).squareRoot()
  guard length > 0, length.isFinite else { return b.map { _ in 0 } }
  var basis = [b.map { $0 / length }]
  // The columns of A in the basis, turned into a triangle by rotations, and what these make of b.
  var (columns, rotations, rest): ([[Double]], [(cosine: Double, sine: Double)], [Double]) = (
    [], [], [length]
  )
  while columns.count < 40, (rest.last ?? 0).magnitude > tolerance * length {
    var next = image(basis[columns.count])
    var column: [Double] = []
    for vector in basis {
      column.append(product(vector, next))
      for index in next.indices { next[index] -= column[column.count - 1] * vector[index] }
    }
    let size = product(next, next).squareRoot()
    for (index, rotation) in rotations.enumerated() {
      let (upper, lower) = (column[index], column[index + 1])
      column[index] = rotation.cosine * upper + rotation.sine * lower
      column[index + 1] = rotation.cosine * lower - rotation.sine * upper
    }
    let radius = (column[columns.count] * column[columns.count] + size * size).squareRoot()
    guard radius > 0 else { break }
    let rotation = (cosine: column[columns.count] / radius, sine: size / radius)
    column[columns.count] = radius
    rest.append(-rotation.sine * rest[columns.count])
    rest[columns.count] *= rotation.cosine
    rotations.append(rotation)
    columns.append(column)
    guard size > 0 else { break }
    basis.append(next.map { $0 / size })
  }
  var result = b.map { _ in 0.0 }
  for line in columns.indices.reversed() {
    rest[line] /= columns[line][line]
    for above in 0..<line { rest[above] -= columns[line][above] * rest[line] }
    for index in result.indices { result[index] += rest[line] * basis[line][index] }
  }
  return result
}

/// Steps by one Jacobian J, each corrected by all before. Broyden's B has B·s = what a step s moved the residual by, and is J
/// across the steps; it is never written out:
///
///     z = J⁻¹ρ,  z += s_{j+1}·⟨s_j, z⟩/⟨s_j, s_j⟩ for all but the last,  s = z/(1 − ⟨s_last, z⟩/⟨s_last, s_last⟩).
struct BroydenStep {
  private let factors: Elimination
  private var steps: [[Double]] = []
  /// ⟨s, s⟩ of every step.
  private var squares: [Double] = []

  init(_ factors: Elimination) { self.factors = factors }

  /// The step from a point with this residual, where the step before has led.
  mutating func next(_ residual: [Double]) -> [Double] {
    var step = factors.solve(residual)
    for (index, before) in steps.enumerated() {
      let share = product(before, step) / squares[index]
      if index + 1 < steps.count {
        for slot in step.indices { step[slot] += share * steps[index + 1][slot] }
      } else {
        // Steps that shrink have none of this: it is only for what goes wrong.
        let rest = Swift.max(1 - share, 0.25)
        for slot in step.indices { step[slot] /= rest }
      }
    }
    steps.append(step)
    squares.append(product(step, step))
    return step
  }
}

private func product(_ x: [Double], _ y: [Double]) -> Double {
  var sum = 0.0
  for index in x.indices { sum += x[index] * y[index] }
  return sum
}

/// The Jacobian of the log-probabilities without the row and the column of one class, in triangular factors.
struct Elimination {
  private let held: Int
  private let size: Int
  private var matrix: [Double]

  /// - Parameters:
  ///   - jacobian: its rows, without that of the class that is held.
  ///   - held: that class.
  ///   - n: how many classes there are.
  init(of jacobian: [Double], holding held: Int, count n: Int) {
    (self.held, size) = (held, n - 1)
    matrix = []
    matrix.reserveCapacity(size * size)
    for line in 0..<size {
      for column in 0..<n where column != held { matrix.append(jacobian[line * n + column]) }
    }
    let size = size
    matrix.withUnsafeMutableBufferPointer { matrix in
      for pivot in 0..<size {
        let row = pivot * size
        for line in pivot + 1..<Swift.max(size, pivot + 1) {
          let start = line * size
          let factor = matrix[start + pivot] / matrix[row + pivot]
          matrix[start + pivot] = factor
          if factor == 0 { continue }
          for column in pivot + 1..<size { matrix[start + column] -= factor * matrix[row + column] }
        }
      }
    }
  }

  func solve(_ values: [Double]) -> [Double] {
    var x = values
    x.remove(at: held)
    matrix.withUnsafeBufferPointer { matrix in
      x.withUnsafeMutableBufferPointer { x in
        func rest(of line: Int, _ columns: Range<Int>) -> Double {
          var sum = x[line]
          for column in columns { sum -= matrix[line * size + column] * x[column] }
          return sum
        }
        for line in 0..<size { x[line] = rest(of: line, 0..<line) }
        for line in (0..<size).reversed() {
          x[line] = rest(of: line, line + 1..<Swift.max(size, line + 1)) / matrix[line * size + line]
        }
      }
    }
    x.insert(0, at: held)
    return x
  }
}
