internal import NoiseKernels

/// A kernel of ``TailSums``, log F or r: between samples, and from piece to piece of the logit axis.
///
/// On pieces as long as ``TailScale/piece`` K(x − μ) is a polynomial of degree 15 in x, and in μ. So the classes of a piece
/// count in all others by their moments Σ w T_k(μ), and there is a matrix for every distance of two pieces that turns moments
/// into coefficients.
struct TailKernel {
  let function: SampledFunction
  private let kept: LazyValue<PieceMatrices>

  init(_ function: SampledFunction, on grid: PieceGrid) {
    self.function = function
    kept = LazyValue { PieceMatrices(of: function, on: grid) }
  }

  /// The coefficients on a piece from moments on others, which are so many pieces above as the grid says.
  var matrices: PieceMatrices { kept() }
}

/// A matrix for each distance of a grid, column by column, of which some are nothing.
struct PieceMatrices: @unchecked Sendable {
  let start: UnsafePointer<Double>
  /// How many columns matter, an even number.
  let columns: UnsafePointer<Int>
  private let memory = KeptMemory()

  init(of kernel: SampledFunction, on grid: PieceGrid) {
    let terms = Piece.terms
    let matrices = grid.distances.map { distance in
      // Polynomials in x for the nodes of μ, and their coefficients as polynomials in μ: rows.
      let values = Piece.nodes.map { node in
        Piece.coefficients { kernel.function(grid.length * (($0 - node) / 2 - Double(distance))) }
      }
      return (0..<terms).map { k in Piece.coefficients(of: values.map { $0[k] }) }
    }
    /// The sums of the magnitudes in columns.
    let sizes = matrices.map { matrix in
      (0..<terms).map { column in matrix.reduce(0) { $0 + $1[column].magnitude } }
    }
    let least = grid.distances.contains(0) ? sizes[-grid.distances.lowerBound][0] : 0
    columns = memory.keep(
      sizes.map { sizes in
        var (count, rest) = (terms, 0.0)
        while count > 0 {
          rest += sizes[count - 1] + sizes[count - 2]
          if !(rest <= 1e-16 * max(sizes[0], least)) { break }
          count -= 2
        }
        return count
      })
    start = memory.keep(
      matrices.flatMap { matrix in (0..<terms).flatMap { l in matrix.map { $0[l] } } })
  }
}
