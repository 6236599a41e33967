import Foundation
import NoiseKernels
import Noisemax
import Testing

/// F, 1 − F and f of classes at the nodes of a panel, as every instruction set runs the loop, against the laws themselves.
@Suite struct ScaledClassKernelsTests {
  private static let laws: [(law: VectorLaw, noise: any AccurateNoise)] = [
    (.normal, Normal()), (.logistic, Logistic()), (.laplace, Laplace()), (.exponential, Exponential()),
    (.uniform, Uniform()), (.gumbel, Gumbel()), (.reversedGumbel, ReversedGumbel()),
  ]

  @Test(arguments: InstructionSet.available, 0..<7)
  func agreesWithTheLaw(set: InstructionSet, index: Int) {
    for points in Self.points {
      for location in [0, 0.125] { agreesWithTheLaw(set, index, location, at: points) }
    }
  }

  /// From end to end; near the middle, where the normal law takes a short way; and above it.
  private static let points: [[Double]] = [
    [-800, -35.7, -12.3, -4.5, -2, -1.25, -0.5, -0.125, 0, 0.25, 0.75, 1, 3, 8.6, 36.1, 720],
    [-8.6, -7.3, -6, -4.75, -3.5, -2.5, -1.75, -0.3, 0.2, 0.6, 1.5, 2.25, 3.1, 4.4, 6.6, 8.7],
    [0, 0.5, 1, 1.5, 2.5, 4, 5.5, 8, 8.6, 8.9, 9.5, 11, 14, 20, 28, 36.1],
  ]

  private func agreesWithTheLaw(
    _ set: InstructionSet, _ index: Int, _ location: Double, at points: [Double]
  ) {
    let (law, noise) = Self.laws[index]
    // What an exponent that is itself an exponential loses, and without fused multiplication a square.
    let isRounded = law == .gumbel || law == .reversedGumbel || (law == .normal && set == .baseline)
    let nodes = points + points.map { _ in 0x1p-60 }
    let locations = [0, 0.5, -3, 100, -40]
    let scales = [1, 0.25, 8, 3, 3]
    let count = 16 * scales.count
    var (z, cumulative) = ([Double](repeating: .nan, count: count), [Double](repeating: .nan, count: count))
    var (survival, density) = (z, z)
    evaluate(
      set, law, location, certain: .infinity, nodes: nodes, locations, scales, z: &z, cumulative: &cumulative,
      survival: &survival, density: &density)
    // Without z and 1 − F the rest is the same, but for F beyond the point where it is 1.
    var (others, densities) = (z.map { _ in Double.nan }, z.map { _ in Double.nan })
    var (none, nothing, noDensity) = ([Double](), [Double](), [Double]())
    evaluate(
      set, law, location, certain: 8.5, nodes: nodes, locations, scales, z: &none, cumulative: &others,
      survival: &nothing, density: &densities)
    for slot in 0..<count {
      let errors = (
        (others[slot] - cumulative[slot]).magnitude, (densities[slot] - density[slot]).magnitude
      )
      let isSame = errors.0 <= 1e-15 && errors.1 <= 1e-13 * density[slot]
      #expect(isSame, "\(set), \(law) at \(z[slot]): \((others[slot], densities[slot]))")
    }
    // Without scales they are 1, and F alone is the same.
    let ones = scales.map { _ in 1.0 }
    var (first, second) = (others, others.map { _ in Double.nan })
    evaluate(
      set, law, location, certain: 8.5, nodes: nodes, locations, ones, z: &none, cumulative: &first,
      survival: &nothing, density: &densities)
    evaluate(
      set, law, location, certain: 8.5, nodes: nodes, locations, [], z: &none, cumulative: &second,
      survival: &nothing, density: &noDensity)
    #expect(first == second, "\(set), \(law)")
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

  /// Also where F and f underflow.
  @Test(arguments: InstructionSet.available, 0..<7)
  func logarithmsAgreeWithTheLaw(set: InstructionSet, index: Int) {
    let (law, noise) = Self.laws[index]
    let points: [Double] = [
      -1e12, -800, -45.5, -12.25, -3, -1, -0.25, -1e-9, 1e-9, 0.25, 0.75, 1.5, 3, 8.5, 41, 700,
    ]
    let nodes = points + points.map { _ in 0 }
    let (locations, scales, location) = ([0, 0.5, -3], [1, 0.25, 8], 0.125)
    let tail = Normal.scaledTailCoefficients
    let count = 16 * scales.count
    var (sums, z, reversedHazards) = (
      [Double](repeating: .nan, count: 16), [Double](repeating: .nan, count: count),
      [Double](repeating: .nan, count: count)
    )
    set.kernels.sumLogCumulatives(
      under: law, scaledTail: tail, location: location, nodes: nodes, locations: locations, scales: scales,
      count: scales.count, to: &sums)
    set.kernels.reversedHazards(
      under: law, scaledTail: tail, location: location, nodes: nodes, locations: locations, scales: scales,
      count: scales.count, z: &z, to: &reversedHazards)
    func expectClose(_ value: Double, _ truth: Double, _ bound: Double, _ testCase: String) {
      #expect(
        value == truth || (value - truth).magnitude <= bound * max(1, truth.magnitude),
        "\(set), \(law), \(testCase): \(value), not \(truth)")
    }
    for node in points.indices {
      var sum = 0.0
      for slot in scales.indices {
        let point = z[16 * slot + node]
        sum += noise.logCumulative(at: point)
        expectClose(point, (points[node] - locations[slot]) / scales[slot] - location, 1e-15, "z")
      }
      expectClose(sums[node], sum, 3e-15, "sum at \(points[node])")
    }
    for slot in scales.indices {
      var logs = sums
      set.kernels.logReversedHazards(
        under: law, scaledTail: tail, location: location, nodes: nodes, centre: locations[slot],
        scale: scales[slot], to: &logs)
      for node in points.indices {
        let point = z[16 * slot + node]
        let truth = ClassReference.logReversedHazard(of: noise, at: point)
        expectClose(logs[node], truth, 3e-15, "log r at \(point)")
        let r = exp(truth) / scales[slot]
        // The logarithm of what is large has fewer digits of it.
        let bound = truth > -.infinity ? (1e-14 + 3e-16 * truth.magnitude) * r + 1e-290 : 0
        let value = reversedHazards[16 * slot + node]
        #expect(
          (value - min(r, 0x1p1000)).magnitude <= bound, "\(set), \(law), r at \(point): \(value), not \(r)")
      }
    }
  }

  /// log(1 + e^(u − e^−u)) and its slope.
  @Test(arguments: InstructionSet.available)
  func bend(set: InstructionSet) {
    let points: [Double] = [-9, -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.25, 0.5671, 1, 3, 10, 40, 1e5]
    var values = [Double](repeating: .nan, count: 16)
    var slopes = values
    set.kernels.bend(points, to: &values, slopes: &slopes)
    for (index, point) in points.enumerated() {
      let u = max(point, -6)
      let q = u - exp(-u)
      let (value, slope) = (max(q, 0) + log1p(exp(-q.magnitude)), (1 + exp(-u)) / (1 + exp(-q)))
      let testCase = "\(set), \(point)"
      #expect(
        (values[index] - value).magnitude <= 1e-15 + 4e-16 * value,
        "\(testCase): \(values[index]), not \(value)")
      let bound = (1e-14 + 4e-16 * q.magnitude) * slope
      #expect((slopes[index] - slope).magnitude <= bound, "\(testCase): \(slopes[index]), not \(slope)")
    }
  }

  /// Calls the loop with memory for what is not empty.
  private func evaluate(
    _ set: InstructionSet, _ law: VectorLaw, _ location: Double, certain: Double, nodes: [Double],
    _ locations: [Double], _ scales: [Double], z: inout [Double], cumulative: inout [Double],
    survival: inout [Double], density: inout [Double]
  ) {
    func start(_ buffer: UnsafeMutableBufferPointer<Double>) -> UnsafeMutablePointer<Double>? {
      buffer.isEmpty ? nil : buffer.baseAddress
    }
    nodes.withUnsafeBufferPointer { nodes in
      locations.withUnsafeBufferPointer { locations in
        scales.withUnsafeBufferPointer { scales in
          Normal.scaledTailCoefficients.withUnsafeBufferPointer { coefficients in
            let points = ClassPoints(
              nodes: nodes.baseAddress!, locations: locations.baseAddress!,
              scales: scales.isEmpty ? nil : scales.baseAddress, count: locations.count, location: location,
              certain: certain, scaledTail: coefficients.baseAddress!)
            z.withUnsafeMutableBufferPointer { z in
              cumulative.withUnsafeMutableBufferPointer { cumulative in
                survival.withUnsafeMutableBufferPointer { survival in
                  density.withUnsafeMutableBufferPointer { density in
                    set.kernels.classValues(
                      under: law, at: points,
                      to: ClassValues(
                        z: start(z), cumulative: cumulative.baseAddress!, survival: start(survival),
                        density: start(density)))
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

private enum ClassReference {
  /// As the law states it, or from its density.
  static func logReversedHazard(of noise: any AccurateNoise, at z: Double) -> Double {
    if let noise = noise as? any SmoothNoise { return noise.logReversedHazard(at: z) }
    guard let noise = noise as? any PiecewiseNoise else { return .nan }
    let logDensity = noise.logDensity(at: z)
    return logDensity > -.infinity ? logDensity - noise.logCumulative(at: z) : logDensity
  }
}
