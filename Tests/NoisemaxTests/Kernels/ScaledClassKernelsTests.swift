import Foundation
import NoiseKernels
import Noisemax
import Testing

/// F, 1 − F and f of classes at the nodes of a panel, as every instruction set runs the loop, against the laws themselves.
@Suite struct ScaledClassKernelsTests {
  private static let laws: [(law: QuantileTable.Law, noise: any AccurateNoise)] = [
    (.normal, Normal()), (.logistic, Logistic()), (.laplace, Laplace()), (.exponential, Exponential()),
    (.uniform, Uniform()), (.gumbel, Gumbel()), (.reversedGumbel, ReversedGumbel()),
  ]

  @Test(arguments: InstructionSet.available, 0..<7)
  func agreesWithTheLaw(set: InstructionSet, index: Int) {
    for location in [0, 0.125] { agreesWithTheLaw(set, index, location) }
  }

  private func agreesWithTheLaw(_ set: InstructionSet, _ index: Int, _ location: Double) {
    let (law, noise) = Self.laws[index]
    let points: [Double] = [
      -800, -35.7, -12.3, -4.5, -2, -1.25, -0.5, -0.125, 0, 0.25, 0.75, 1, 3, 8.6, 36.1, 720,
    ]
    // What an exponent that is itself an exponential loses, and without fused multiplication a square.
    let isRounded = law == .gumbel || law == .reversedGumbel || (law == .normal && set == .baseline)
    let nodes = points + points.map { _ in 0x1p-60 }
    let locations = [0, 0.5, -3, 100]
    let scales = [1, 0.25, 8, 3]
    let count = 16 * scales.count
    var (z, cumulative) = ([Double](repeating: .nan, count: count), [Double](repeating: .nan, count: count))
    var (survival, density) = (z, z)
    set.kernels.classValues(
      under: law, scaledTail: Normal.scaledTailCoefficients, location: location,
      certain: .infinity, nodes: nodes, locations: locations, scales: scales, count: scales.count, z: &z,
      cumulative: &cumulative,
      survival: &survival,
      density: &density)
    for slot in 0..<count {
      let (difference, scale) = (points[slot % 16] - locations[slot / 16], scales[slot / 16])
      let point = z[slot]
      let testCase = "\(set), \(law) at \(point)"
      #expect(
        (point - ((difference + 0x1p-60) / scale - location)).magnitude <= point.magnitude * 0x1p-52,
        "\(testCase)"
      )
      let truths = [noise.cumulative(at: point), noise.survival(at: point), noise.density(at: point) / scale]
      for (value, truth) in zip([cumulative[slot], survival[slot], density[slot]], truths) {
        let bound = isRounded && truth < 1e-10 ? 2e-13 : 5e-15
        #expect((value - truth).magnitude <= bound * truth + 1e-300, "\(testCase): \(value), not \(truth)")
      }
    }
  }
}
