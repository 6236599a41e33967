internal import NoiseKernels

/// The quantile rule of a smooth law on a grid, at a cost that hardly depends on the number of classes.
///
/// With S(x) = Σ_j log F(x − μ_j), a class at μ has the value t(μ) = (1/K) Σ_k exp(S(μ + q_k) − log F(q_k)): its own
/// factor in S is that of every node, so t is one smooth function for the whole row.
///
/// 1. Classes are deposited in cells and spread onto grid points as weights W, as the lattice does it;
/// 2. S(x_m) = Σ_g W_g log F(x_m − μ_g) on the same grid, from samples of log F;
/// 3. log t(μ_g), where S(μ_g + q_k) is interpolated: every node has one place between grid points, and its own shares;
/// 4. log t, interpolated to every class's place in its cell, is the logarithm of its value.
///
/// Derivatives go the same way. With ψ_k(μ) = exp(S(μ + q_k) − log F(q_k) − log K·t(μ)), the share of a node in a value, and
/// R = S′, class i takes u_i·ψ_k(μ_i)·r(μ_i + q_k − μ) from a class at μ, so that the entry of class j is
/// u_j·Σ_k ψ_k(μ_j)·R(μ_j + q_k) − Σ_ik u_i·ψ_k(μ_i)·r(μ_i + q_k − μ_j): the weights u are spread onto grid points, from these
/// by the shares of the nodes onto the places, and summed from there; both sums are interpolated at μ_j.
///
/// Cost: n·8 for steps 1 and 4, (grid points near classes)·(grid points) for 2 and (grid points near classes)·K·16 for
/// 3; about four times as much for derivatives. Values are right to 1e-12 relative, and where their logarithms are below
/// −300 these to 4e-15 of themselves; derivatives of normalised values to 1e-11 of the largest of their row.
final class QuantileGrid: Sendable {
  let basis = CellBasis(taps: 16, terms: 8)
  /// The distance of the grid points, a power of two.
  let cell: Double
  /// The distance of the law's quartiles.
  private let quartiles: Double
  /// Classes at gaps below −depth have no values above 1e-300.
  let depth: Double
  /// The lowest node where S matters: its terms there are nothing beside any that is wanted.
  let lowestNode: Double
  /// Below this gap a class has the factor 1 at every place that matters.
  let competing: Double

  /// The sample index of the first sample of log F, at firstIndex · cell.
  let firstIndex: Int
  let cumulatives: LatticeSamples
  /// Those of r, for sums over grid points and for sums over places.
  let reversedHazards, mirroredReversedHazards: LatticeSamples
  private let memory = KeptMemory()

  /// For every node, how many grid points above a class the first of its 16 places stands, and their shares.
  let shifts: [Int]
  let shares: [Double]
  let logCumulatives: [Double]

  init(_ noise: some SmoothNoise, nodes: [Double]) {
    let noise = MeasuredNoise(noise)
    quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    let widest = Double(sign: .plus, exponent: (quartiles / 2).exponent, significand: 1)
    // What the eight terms leave out falls with the eighth power of the width: half of what is right to 1e-13 is right
    // to rounding, as sums of thousands of logarithms need it.
    let cells = LatticeTable.cells(
      for: noise, from: noise.quantile(at: 1e-40),
      breadth: LatticeTable.breadth(of: noise, widestCell: widest),
      startingAt: widest, basis: basis, precision: .double)
    // However smooth log F is, the values of a row are sums of steps like those of Fⁿ, a fraction of the quartiles wide.
    let cell = min(cells[LatticeTable.sizes.upperBound] / 2, widest / 16)
    self.cell = cell

    let top = nodes[nodes.count - 1]
    let counts = 2 * logarithm(Double(nodes.count + 1))
    depth = top - Self.point(where: -720 - counts, in: noise, below: top, step: quartiles)
    // Grid points below the deepest class, in whole blocks, and places below those are interpolated with.
    let lowestNode = min(
      Self.point(where: -820 - counts, in: noise, below: top, step: quartiles),
      top - depth - Double(basis.taps + 8) * cell)
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    (self.lowestNode, competing) = (lowestNode, lowestNode - highest)

    // Grid points reach half the taps beyond the classes, and S as much beyond its places.
    let first = Int((lowestNode / cell).rounded(.down)) - 2 * basis.taps
    let last = Int((highest / cell).rounded(.up)) + basis.taps
    firstIndex = first
    // The reversed hazard of a deep class matters as far above it.
    let lastReversedHazard = Int((noise.upperQuantile(at: 1e-300) / cell).rounded(.up)) + basis.taps
    cumulatives = LatticeSamples(
      (first...last).map { noise.logCumulative(at: Double($0) * cell) }, step: 1, in: memory)
    let reversedHazardSamples = (first...lastReversedHazard).map {
      exponential(noise.logReversedHazard(at: Double($0) * cell))
    }
    reversedHazards = LatticeSamples(reversedHazardSamples, step: 1, in: memory)
    mirroredReversedHazards = LatticeSamples(reversedHazardSamples, step: 1, isReversed: true, in: memory)

    let (basis, firstTap) = (basis, Int(basis.position(of: 0)))
    shifts = nodes.map { Int(($0 / cell).rounded(.down)) + firstTap }
    shares = nodes.flatMap { node in
      let t = 2 * (node / cell - (node / cell).rounded(.down)) - 1
      return (0..<basis.taps).map { basis.share(ofTap: $0, at: t) }
    }
    logCumulatives = nodes.map { noise.logCumulative(at: $0) }
  }

  /// The point, up to a quarter of the step, below which log F is below a value.
  private static func point(
    where value: Double, in noise: some SmoothNoise, below start: Double, step: Double
  ) -> Double {
    var (low, high) = (start - step, start)
    while noise.logCumulative(at: low) > value { (low, high) = (low - 2 * (start - low), low) }
    while high - low > step / 4 {
      let middle = (low + high) / 2
      if noise.logCumulative(at: middle) > value { high = middle } else { low = middle }
    }
    return low
  }

  /// About how long a row takes, of so many classes that fill so many cells, or a few quartiles.
  func seconds(classes: Int, cells: Int? = nil) -> Double {
    let cells = cells ?? Int(6 * quartiles / cell)
    let points = Double(min(cells + basis.taps, basis.taps * classes))
    let nodeCount = Double(cells + shifts[shifts.count - 1] - shifts[0] + 2 * basis.taps)
    return 1e-6 + 6e-9 * Double(classes) + points * (1e-10 * nodeCount + 8e-10 * Double(shifts.count))
  }

  /// How much longer derivatives take.
  static let pullbackPasses = 4.0
}
