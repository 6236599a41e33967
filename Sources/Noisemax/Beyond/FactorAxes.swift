/// The loadings of one row of classes on its common factors, turned so that every axis stands for itself.
///
/// A factor that moves all classes alike changes nothing, so the mean of the loadings is taken off. And V z with a standard
/// normal z is (V W)(Wᵀ z) with a rotation W, and Wᵀ z is standard normal too. With the W that makes the columns of V W
/// orthogonal, an axis along which nothing happens takes no nodes.
struct FactorAxes {
  let rank: Int
  /// The loadings of every class on every axis, axis after axis.
  let columns: [[Double]]
  /// W, row by row.
  private let rotation: [[Double]]
  /// By how much the loadings of the open classes differ, on every axis.
  let spreads: [Double]

  /// - Parameters:
  ///   - loadings: those of every class, class after class.
  ///   - rank: how many a class has.
  ///   - isOpen: whether a class can win.
  init(_ loadings: [Double], rank: Int, isOpen: [Bool]) {
    self.rank = rank
    let open = isOpen.indices.filter { isOpen[$0] }
    // From the first on: equal loadings leave exactly nothing.
    let centred: [[Double]] = (0..<rank).map { axis in
      let differences = isOpen.indices.map { index in
        isOpen[index] ? loadings[index * rank + axis] - loadings[open[0] * rank + axis] : 0
      }
      let mean = differences.reduce(0, +) / Double(Swift.max(open.count, 1))
      return isOpen.indices.map { isOpen[$0] ? differences[$0] - mean : 0 }
    }
    let largest = centred.joined().reduce(0) { Swift.max($0, $1.magnitude) }
    // Near 1, so that squares neither overflow nor vanish.
    let factor = Double(
      sign: .plus, exponent: largest > 0 ? Swift.min(Swift.max(-largest.exponent, -1000), 1000) : 0,
      significand: 1)
    let rotation = Self.rotation(of: centred.map { $0.map { factor * $0 } })
    self.rotation = rotation
    columns = (0..<rank).map { axis in
      isOpen.indices.map { index in
        (0..<rank).reduce(0) { $0 + centred[$1][index] * rotation[$1][axis] }
      }
    }
    spreads = columns.map { column in
      let values = open.map { column[$0] }
      return (values.max() ?? 0) - (values.min() ?? 0)
    }
  }

  /// Turns numbers for the axes of one class into numbers for its own loadings.
  func loadings(from values: [Double]) -> [Double] {
    (0..<rank).map { factor in
      (0..<rank).reduce(0) { $0 + rotation[factor][$1] * values[$1] }
    }
  }

  /// The eigenvectors of columnsᵀ·columns, as columns, by Jacobi's rotations.
  private static func rotation(of columns: [[Double]]) -> [[Double]] {
    let rank = columns.count
    var vectors = (0..<rank).map { row in (0..<rank).map { $0 == row ? 1.0 : 0 } }
    var matrix = columns.map { one in
      columns.map { other in zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    for _ in 0..<12 {
      for p in 0..<rank {
        for q in p + 1..<Swift.max(rank, p + 1) where matrix[p][q] != 0 {
          let half = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q])
          let sign = half < 0 ? -1.0 : 1
          let tangent = sign / (half.magnitude + (1 + half * half).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          let sine = tangent * cosine
          for k in 0..<rank {
            (matrix[k][p], matrix[k][q]) = (
              cosine * matrix[k][p] - sine * matrix[k][q],
              sine * matrix[k][p] + cosine * matrix[k][q]
            )
          }
          for k in 0..<rank {
            (matrix[p][k], matrix[q][k]) = (
              cosine * matrix[p][k] - sine * matrix[q][k],
              sine * matrix[p][k] + cosine * matrix[q][k]
            )
            (vectors[k][p], vectors[k][q]) = (
              cosine * vectors[k][p] - sine * vectors[k][q],
              sine * vectors[k][p] + cosine * vectors[k][q]
            )
          }
        }
      }
    }
    return vectors
  }
}
