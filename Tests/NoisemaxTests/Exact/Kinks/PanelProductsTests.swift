import Foundation
import NoiseKernels
import Noisemax
import NoisemaxLaws
import Testing

/// What the shipped laws with kinks have of their own, products of F and sums of powers, against the grid that serves every
/// law, and against exact arithmetic.
@Suite struct PanelProductsTests {
  static let laws: [any PiecewiseNoise] = [Uniform(), Exponential(), Laplace()]

  @Test(arguments: laws)
  func probabilitiesAreThoseOfTheGrid(law: any PiecewiseNoise) {
    var rows = PanelRows(reach: law is Uniform ? 1 : 60, seed: 5)
    let (argmax, reference) = (NoisyArgmax(law), NoisyArgmax(OnTheGrid(base: law)))
    for _ in 0..<(isDebugBuild ? 30 : 300) {
      let row = rows.next(largest: 80)
      let (p, truth) = (argmax.probabilities(for: row), reference.probabilities(for: row))
      #expect(abs(sum(p) - 1) <= 1e-15, "\(law) \(row)")
      for index in row.indices where truth[index] > 1e-300 {
        let error = abs(p[index] / truth[index] - 1)
        #expect(error <= 1e-13, "\(law) \(row), class \(index): \(p[index]), not \(truth[index])")
      }
      let logs = argmax.logProbabilities(for: row)
      for (value, expected) in zip(logs, reference.logProbabilities(for: row)) {
        #expect(
          isClose(value, expected, within: 1e-14 * max(1, -expected)),
          "\(law) \(row): \(value), not \(expected)")
      }
      let order = row.indices.sorted { row[$0] > row[$1] }
      #expect(zip(order, order.dropFirst()).allSatisfy { p[$0] >= p[$1] * (1 - 1e-15) }, "\(law) \(row)")
      let shuffled = row.indices.map { ($0 * 7919 + 13) % row.count }
      if Set(shuffled).count == row.count {
        let other = argmax.probabilities(for: shuffled.map { row[$0] })
        // Uniform classes are sorted; of others the far ones are summed up in their order.
        let bound = law is Uniform ? 0 : 1e-14
        #expect(
          zip(shuffled, other).allSatisfy { isClose(p[$0], $1, within: bound * $1) }, "\(law) \(row)")
      }
      let single = argmax.probabilities(for: row.map { Float($0) })
      let expected = reference.probabilities(for: row.map { Double(Float($0)) })
      for (value, truth) in zip(single, expected) where truth > 1e-30 {
        #expect(isClose(Double(value), truth, within: 1e-7 * truth), "\(law) \(row): \(value), not \(truth)")
      }
    }
  }

  /// Single entries of the Jacobian, which have digits of their own.
  @Test(arguments: laws)
  func derivativesAreThoseOfTheGrid(law: any PiecewiseNoise) {
    var rows = PanelRows(reach: law is Uniform ? 1 : 60, seed: 6)
    let (argmax, reference) = (NoisyArgmax(law), NoisyArgmax(OnTheGrid(base: law)))
    for round in 0..<(isDebugBuild ? 20 : 200) {
      let row = rows.next(largest: 60)
      var v = [Double](repeating: 0, count: row.count)
      v[round % row.count] = 1
      let result = argmax.pullback(for: row, of: v)
      for (value, truth) in zip(result, reference.pullback(for: row, of: v)) {
        #expect(
          isClose(value, truth, within: 1e-13 * truth.magnitude + 1e-300),
          "\(law) \(row), entry \(round % row.count): \(value), not \(truth)")
      }
      let single = argmax.pullback(for: row.map { Float($0) }, of: v.map { Float($0) })
      let expected = argmax.pullback(for: row.map { Double(Float($0)) }, of: v)
      for (value, truth) in zip(single, expected) {
        #expect(isClose(Double(value), truth, within: 1e-6 * truth.magnitude + 1e-37), "\(law) \(row)")
      }
    }
  }

  /// The expected maximum, and losses of the leader, which have digits of their own however certain it is.
  @Test(arguments: laws)
  func expectedMaximaAreThoseOfTheGrid(law: any PiecewiseNoise) {
    var rows = PanelRows(reach: law is Uniform ? 1 : 60, seed: 7)
    let (argmax, reference) = (NoisyArgmax(law), NoisyArgmax(OnTheGrid(base: law)))
    for _ in 0..<(isDebugBuild ? 15 : 150) {
      let row = rows.next(largest: 60)
      let largest = row.map(\.magnitude).max() ?? 0
      #expect(
        isClose(
          argmax.expectedMaximum(for: row), reference.expectedMaximum(for: row), within: 2e-14 * (1 + largest)
        ),
        "\(law) \(row)")
      let leader = row.indices.max { row[$0] < row[$1] } ?? 0
      let (loss, truth) = (argmax.loss(for: row, target: leader), reference.loss(for: row, target: leader))
      #expect(isClose(loss, truth, within: 1e-13 * truth), "\(law) \(row): \(loss), not \(truth)")
    }
  }

  /// Rows of thousands, as far as products serve them.
  @Test(arguments: laws)
  func longRowsAreThoseOfTheGrid(law: any PiecewiseNoise) {
    var generator = SplitMix64(seed: 23)
    let (argmax, reference) = (NoisyArgmax(law), NoisyArgmax(OnTheGrid(base: law)))
    for (count, spread) in isDebugBuild ? [(150, 0.5)] : [(1500, 0.01), (600, 0.9), (1900, 4), (700, 100)] {
      let row = (0..<count).map { _ in spread * generator.unit() }
      let v = row.map { _ in generator.unit() - 0.5 }
      let (p, truth) = (argmax.probabilities(for: row), reference.probabilities(for: row))
      for (value, truth) in zip(p, truth) {
        #expect(isClose(value, truth, within: 1e-12 * truth + 1e-300), "\(law) \(count) \(spread)")
      }
      let (result, expected) = (argmax.pullback(for: row, of: v), reference.pullback(for: row, of: v))
      for index in row.indices {
        #expect(
          isClose(result[index], expected[index], within: 1e-12 * (truth[index] + expected[index].magnitude)),
          "\(law) \(count) \(spread): \(result[index]), not \(expected[index])")
      }
      let (maximum, exact) = (argmax.expectedMaximum(for: row), reference.expectedMaximum(for: row))
      #expect(isClose(maximum, exact, within: 1e-13 * (1 + spread)), "\(law) \(count) \(spread)")
    }
  }

  /// More open classes than a rule of sixteen nodes is exact for.
  @Test(arguments: [0.02, 0.5, 6])
  func rowsOfMediumLengthAgainstExactArithmetic(spread: Double) {
    var generator = SplitMix64(seed: 19)
    for count in [17, 33, 36, 40] {
      let distances = [0] + (1..<count).map { _ in spread * generator.unit() }
      for (law, exact) in [
        (Uniform() as any ExactNoise, UniformOracle.probabilities),
        (Exponential(), ExponentialOracle.probabilities), (Laplace(), LaplaceOracle.probabilities),
      ] {
        let p = NoisyArgmax(law).probabilities(for: distances.map { 0 - $0 })
        for (value, truth) in zip(p, exact(distances)) where truth > 1e-25 {
          #expect(isClose(value, truth, within: 1e-13 * truth), "\(law) \(distances): \(value), not \(truth)")
        }
      }
    }
  }

  /// A class behind as many ties as are served, whose probability is known.
  @Test func ties() {
    for count in [10, 100, 900, 999, 3999] {
      let n = Double(count)
      let ties = [Double](repeating: 0, count: count)
      for logProbability in [-1.0, -40, -300, -600] {
        let gap = 1 - exp(logProbability / (n + 1))
        let expected = pow(1 - gap, n + 1) / (n + 1)
        let uniform = NoisyArgmax(.uniform).probabilities(for: ties + [-gap])[count]
        #expect(
          isClose(uniform, expected, within: 5e-13 * expected), "\(count), \(gap): \(uniform / expected)")
      }
      let exponential = NoisyArgmax(.exponential).probabilities(for: ties + [-0.5])[count]
      #expect(isClose(exponential, exp(-0.5) / (n + 1), within: 2e-13 * exponential), "\(count)")
    }
  }

  /// A class 1e-100 inside the edge of the support of many: ∫ x·∏ d dx over its reach, with d the distances of the others.
  @Test func aClassAtTheEdgeAmongMany() {
    for reach in [1e-80, 1e-100, 1e-140] {
      // The reach is the logit itself.
      let row = [1, reach] + [Double](repeating: 0.5, count: 20) + [Double](repeating: 0.75, count: 7)
      let expected = 0.5 * reach * reach * pow(0.5, 20) * pow(0.25, 7)
      let p = NoisyArgmax(.uniform).probabilities(for: row)[1]
      #expect(isClose(p, expected, within: 1e-12 * expected), "\(row): \(p), not \(expected)")
      let gradient = NoisyArgmax(.uniform).pullback(for: row, of: row.indices.map { $0 == 1 ? 1 : 0 })
      // The leader has no F of its own there, and the others have d.
      let slopes = [-2 * expected / reach, -expected / 0.5, -expected / 0.25]
      for (value, slope) in zip([gradient[0], gradient[2], gradient[22]], slopes) {
        #expect(isClose(value, slope, within: 1e-12 * slope.magnitude), "\(row): \(value), not \(slope)")
      }
    }
  }

  /// Logits closer to each other than any probability shows count as ties, to the bits of these.
  @Test func logitsCloserThanAnyProbabilityShowsAreTies() {
    let argmax = NoisyArgmax(.uniform)
    for count in isDebugBuild ? [100] : [100, 4500] {
      let row = (0..<count).map { Double($0) * .leastNonzeroMagnitude }
      let v = row.indices.map { cos(Double($0)) }
      let ties = row.map { _ in 0.0 }
      #expect(argmax.probabilities(for: row) == argmax.probabilities(for: ties), "\(count)")
      #expect(argmax.logProbabilities(for: row) == argmax.logProbabilities(for: ties), "\(count)")
      // Another class leads, and v is taken relative to its.
      let (gradient, expected) = (argmax.pullback(for: row, of: v), argmax.pullback(for: ties, of: v))
      #expect(zip(gradient, expected).allSatisfy { isClose($0, $1, within: 1e-14) }, "\(count)")
    }
    // An ulp near 1/2 is none of these.
    let p = argmax.probabilities(for: [0.5, 0.5.nextUp, 0.25])
    #expect(p[0] < p[1], "\(p)")
  }

  /// Not by timing: by the memory for nodes and classes, beside an ordinary row.
  @Test func hostileUniformRowsTakeTheWorkOfOrdinaryOnes() {
    let argmax = NoisyArgmax(.uniform)
    func rooms(_ row: [Double]) -> [Int] {
      (0..<4).map { quantity in
        var result = row
        var span = result.mutableSpan
        var workspace = NoisyArgmax.Workspace()
        switch quantity {
        case 0: argmax.writeProbabilities(for: row.span, to: &span, workspace: &workspace)
        case 1: argmax.writeLogProbabilities(for: row.span, to: &span, workspace: &workspace)
        case 2:
          var value = [0.0]
          var valueSpan = value.mutableSpan
          argmax.writeValues(of: .expectedMaximum, for: row.span, to: &valueSpan, workspace: &workspace)
        default:
          argmax.writePullback(
            for: row.span, of: row.span, rowLength: row.count, to: &span, workspace: &workspace)
        }
        return workspace.room
      }
    }
    func ordinary(_ count: Int) -> [Double] { (0..<count).map { sin(Double($0 * $0)) } }
    let count = isDebugBuild ? 150 : 1000
    let part = { (index: Int) -> Double in Double(index) / Double(count) }
    let shapes: [(Int) -> Double] = [
      { Double($0) * .leastNonzeroMagnitude },
      { $0 == 0 ? 1 : $0 == 1 ? 1e-100 : part($0) },
      { 0.5 + Double($0) * 0x1p-53 },
      part,
      { -pow(1.01, Double($0)) },
      { -pow(10, 18 * part($0) - 15) },
      // Reaches down to 1e-290, below crowds of leaders, ties and one.
      { $0 < 20 ? 1 - 1e-4 * Double($0) : pow(10, -290 * part($0)) },
      { $0 < 20 ? 1 : pow(10, -290 * part($0)) },
      { $0 == 0 ? 1 : pow(10, -300 * part($0)) },
    ]
    for shape in shapes {
      let row = (0..<count).map(shape)
      let limits = [6, 12, 6, 6]
      for (quantity, (value, expected)) in zip(rooms(row), rooms(ordinary(count))).enumerated() {
        #expect(
          value <= limits[quantity] * expected, "\(row), quantity \(quantity): \(value), not \(expected)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func loopsOfEverySet(set: InstructionSet) {
    let nodes = (0..<16).map { (Double($0) + 0.5) / 32 }
    let (distances, ties, cotangents) = ([0.0, 0.25, 0.5], [3.0, 1, 7], [1.0, -2, 3])
    for vectors in 1...2 {
      var memory = nodes + nodes.map { 1 + $0 } + [Double](repeating: 0, count: panelNodes)
      var (sums, derivatives) = ([Double](repeating: 0, count: 24), [Double](repeating: 0, count: 72))
      var reciprocals = [Double](repeating: 0, count: 48)
      set.kernels.addProducts(
        at: &memory, vectors: vectors, distances: distances, ties: ties, 3, sums: &sums)
      set.kernels.addProductDerivatives(
        at: &memory, vectors: vectors, distances: distances, ties: ties, cotangents: cotangents, 3,
        sums: &derivatives, reciprocals: &reciprocals)
      var results = [Double](repeating: 0, count: 12)
      set.kernels.laneSums(of: sums, 3, to: &results)
      let forward = Array(results[..<3])
      set.kernels.laneSums(of: derivatives, 9, to: &results)
      set.kernels.writeSurvivals(
        at: &memory, vectors: vectors, breaks: distances.map { 1 - $0 }, ties: ties, 3)
      func cumulative(_ j: Int, _ m: Int) -> Double { nodes[m] + distances[j] }
      func product(_ m: Int) -> Double { (0...2).reduce(1) { $0 * pow(cumulative($1, m), ties[$1]) } }
      for m in 0..<8 * vectors {
        #expect(isClose(memory[2 * panelNodes + m], 1 - product(m), within: 1e-15), "\(set), node \(m)")
      }
      for k in 0..<3 {
        var expected = [0.0, 0, 0]
        for m in 0..<8 * vectors {
          let reversedHazards = (0...2).reduce(0.0) { $0 + ties[$1] / cumulative($1, m) }
          let weighted = (0...2).reduce(0.0) { $0 + cotangents[$1] / cumulative($1, m) }
          let term = (1 + nodes[m]) * product(m) / cumulative(k, m)
          for (sum, factor) in [1, reversedHazards, weighted].enumerated() { expected[sum] += term * factor }
        }
        for (sum, value) in ([forward[k]] + results[3 * k..<3 * k + 3]).enumerated() {
          let truth = expected[max(sum - 1, 0)]
          #expect((value - truth).magnitude <= 1e-13 * truth.magnitude, "\(set), class \(k), sum \(sum)")
        }
      }
    }
  }

  private func sum(_ numbers: [Double]) -> Double {
    numbers.reduce(DoubleDouble(0)) { $0 + DoubleDouble($1) }.value
  }
}

/// Rows with spreads of all sizes within a reach: ties, clusters, ladders, rare classes.
private struct PanelRows {
  let reach: Double
  var generator: SplitMix64

  init(reach: Double, seed: UInt64) { (self.reach, generator) = (reach, SplitMix64(seed: seed)) }

  mutating func next(largest: Int) -> [Double] {
    func unit() -> Double { Double.random(in: 0...1, using: &generator) }
    let count = max(2, Int(pow(Double(largest), unit())))
    let spread = reach * pow(10, -5 * unit() * unit())
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: return (0..<count).map { _ in spread * (unit() + unit() + unit() - 1.5) }
    case 1:
      let gap = -unit() * spread
      return [0] + (0..<count).map { _ in gap }
    case 2: return (0..<count).map { _ in 0.0 } + (0..<3).map { _ in -spread * unit() }
    case 3: return (0..<count).map { -Double($0) * spread * 0.1 }
    case 4: return (0..<count).map { _ in unit() < 0.5 ? 0 : -spread * unit() } + [-reach * unit()]
    case 5: return [0] + (0..<count).map { _ in -spread - pow(10, -14 * unit()) }
    default: return [0] + (0..<count).map { _ in -spread * unit() }
    }
  }
}
