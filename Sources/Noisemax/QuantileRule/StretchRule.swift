internal import NoiseKernels

/// What the quantile rule under a law with kinks has for all rows: its nodes, and the rules of stretches.
struct StretchRule: @unchecked Sendable {
  let form: StretchForm
  let count: Int
  /// The nodes q in rising order and log F of them, with eight copies of the first before it.
  let nodes, logCumulatives: UnsafePointer<Double>
  /// A term below e^−margin of the largest one is nothing, with all others below it.
  let margin: Double
  private let memory = KeptMemory()
  /// Chebyshev's nodes, and a row for each of them: what its value is in every coefficient.
  private let few, many: UnsafePointer<Double>

  /// Nil for a law without such stretches.
  init?(_ noise: some NoiseDistribution, nodes: [Double]) {
    switch noise {
    case is Uniform: form = .uniform
    case is Exponential: form = .exponential
    case is Laplace: form = .laplace
    default: return nil
    }
    guard let noise = noise as? any AccurateNoise else { return nil }
    count = nodes.count
    margin = 45 + logarithm(Double(nodes.count))
    let memory = memory
    func keep(_ numbers: [Double]) -> UnsafePointer<Double> {
      memory.keep([Double](repeating: numbers[0], count: 8) + numbers) + 8
    }
    self.nodes = keep(nodes)
    logCumulatives = keep(nodes.map { noise.logCumulative(at: $0) })
    (few, many) = (Self.basis(8, in: memory), Self.basis(16, in: memory))
  }

  func basis(_ terms: Int) -> UnsafePointer<Double> { terms == 8 ? few : many }

  private static func basis(_ terms: Int, in memory: KeptMemory) -> UnsafePointer<Double> {
    let unused = [Double](repeating: 0, count: 16 - terms)
    let rows = (0..<terms).flatMap { index in
      (0..<terms).map { Chebyshev.share(ofZero: index, in: $0, of: terms) } + unused
    }
    return memory.keep(Chebyshev.zeros(terms) + unused + rows)
  }

  /// About how long a row of so many gaps takes: kinks make stretches, which have the classes' factors at their nodes.
  func seconds(gaps count: Int) -> Double {
    let (kink, factors) =
      switch form {
      case .uniform: (4.5e-7, 3e-9)
      case .exponential: (2.5e-7, 0)
      case .laplace: (5.5e-7, 0)
      }
    return 4e-6 + Double(count) * (kink + 2.6e-9 * Double(self.count) + factors * Double(count))
  }

  /// How much longer derivatives take.
  static let pullbackPasses = 2.0
}
