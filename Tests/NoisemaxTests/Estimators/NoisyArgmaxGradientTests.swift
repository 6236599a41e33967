import Noisemax
import NoisemaxLaws
import NoisemaxEstimators
import Testing

/// Estimates of the gradient of E[f(z)] for a discrete z.
@Suite struct NoisyArgmaxGradientTests {
  /// Every law, several shapes of rows, several logits and functions: the exact gradient within the standard errors.
  @Test func scoreFunctionsAreUnbiased() {
    var deviations = Deviations()
    var generator = SplitMix64(seed: 11)
    for entry in ShippedLaw.all {
      for (rows, rowLength) in [(1, 2), (1, 5), (3, 2), (2, 4)] {
        let spread = 0.7 * entry.noise.variance.squareRoot()
        let logits = (0..<rows * rowLength).map { _ in Double.random(in: -spread...spread, using: &generator)
        }
        let f = cubicObjective(size: logits.count, using: &generator)
        let argmax = NoisyArgmax(entry.noise)
        let exact = argmax.exactGradient(of: f, for: Rows(logits, length: rowLength)).elements
        for baseline in ScoreBaseline.allCases {
          let estimate = argmax.gradient(
            of: f, for: Rows(logits, length: rowLength), by: .scoreFunction(baseline: baseline),
            draws: isDebugBuild ? 400 : 4000, seed: generator.next())
          deviations.add(estimate, expected: exact, "\(entry.name), \(baseline), \(rows) rows \(logits)")
        }
      }
    }
    #expect(!deviations.areSuspicious, "\(deviations)")
  }

  /// The same sums from stored draws, in two passes; the streams are those of rows, whatever the estimator.
  @Test(arguments: discreteEstimators) func keepsTheMomentsOfItsDraws(estimator: DiscreteGradientEstimator) {
    var generator = SplitMix64(seed: 12)
    let argmax = NoisyArgmax(.gumbel, scale: 0.5)
    let logits: [Double] = [0.5, -0.25, -.infinity, 1, 0.75, 0.1]
    let cubic = cubicObjective(size: 6, using: &generator)
    // Far from 0, so that a sum of squares would lose digits.
    let f = Objective(value: { 1e6 + cubic.value($0) }, gradient: cubic.gradient!)
    let p = argmax.probabilities(for: Rows(logits, length: 3)).elements
    let draws = 14
    var values: [Double] = []
    var terms: [[Double]] = []
    for draw in 0..<draws {
      let indices = argmax.randomIndex(for: Rows(logits, length: 3), seed: 5, firstRow: 2 * draw)
      let z = (0..<6).map { indices[$0 / 3] == $0 % 3 ? 1.0 : 0 }
      func sample(_ temperature: Double) -> RelaxedSample<Rows<Double>> {
        argmax.relaxedSample(
          for: Rows(logits, length: 3), temperature: temperature, seed: 5, firstRow: 2 * draw)
      }
      switch estimator {
      case .scoreFunction:
        values.append(f.value(z))
        terms.append(zip(z, p).map { ($0 - $1) / 0.5 })
      case .relaxation(let temperature):
        let slope = f.gradient!(sample(temperature).value.elements)
        terms.append(sample(temperature).pullback(of: Rows(slope, length: 3)).elements)
      case .straightThrough(let temperature):
        terms.append(sample(temperature).pullback(of: Rows(f.gradient!(z), length: 3)).elements)
      }
    }
    if case .scoreFunction(let baseline) = estimator {
      let all = values.reduce(0, +)
      for draw in 0..<draws {
        let weight =
          switch baseline {
          case .none: values[draw]
          case .runningMean:
            draw == 0 ? values[0] : values[draw] - values[..<draw].reduce(0, +) / Double(draw)
          case .leaveOneOut: values[draw] - (all - values[draw]) / Double(draws - 1)
          }
        terms[draw] = terms[draw].map { $0 * weight }
      }
    }
    let estimate = argmax.gradient(of: f, for: Rows(logits, length: 3), by: estimator, draws: draws, seed: 5)
    #expect(estimate.draws == draws)
    for index in 0..<6 {
      let column = terms.map { $0[index] }
      let mean = column.reduce(0, +) / Double(draws)
      let size = column.reduce(0) { max($0, $1.magnitude) }
      let tolerance = estimator == .scoreFunction(baseline: .leaveOneOut) ? 1e-8 : 1e-12
      #expect((estimate.value[index] - mean).magnitude <= tolerance * size, "\(index)")
      var error = (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws * (draws - 1)))
        .squareRoot()
      if estimator == .scoreFunction(baseline: .leaveOneOut) {
        error = covarianceError(values.map { $0 - 1e6 }, terms: column)
      }
      #expect((estimate.standardError[index] - error).magnitude <= tolerance * size, "\(index)")
    }
  }

  /// The unbiased estimate of the variance of a covariance, by definition: its square, less the mean product of the
  /// covariances of two pairs over all choices of four different draws; and never below the least possible.
  private func covarianceError(_ x: [Double], terms: [Double]) -> Double {
    let n = x.count
    let mean = x.reduce(0, +) / Double(n)
    // Back from the terms to the scores.
    let y = x.indices.map { terms[$0] / ((x[$0] - mean) * Double(n) / Double(n - 1)) }
    func product(_ i: Int, _ j: Int) -> Double { (x[i] - x[j]) * (y[i] - y[j]) / 2 }
    var (sum, quadruples, covariance) = (0.0, 0.0, 0.0)
    for i in 0..<n {
      for j in 0..<n where j != i {
        covariance += product(i, j) / Double(n * (n - 1))
        for k in 0..<n where k != i && k != j {
          for l in 0..<n where l != i && l != j && l != k {
            sum += product(i, j) * product(k, l)
            quadruples += 1
          }
        }
      }
    }
    let squares = [x, y].map { values in
      let mean = values.reduce(0, +) / Double(n)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n - 1)
    }
    let least = (squares[0] * squares[1] + covariance * covariance) / Double(n * (n - 1))
    return max(covariance * covariance - sum / quadruples, least).squareRoot()
  }

  /// The variances that theory gives by enumeration, under Gumbel noise where ∇log p is e − p: a baseline lowers the
  /// variance where it is nearer than 0 to E[f s²]/E[s²], and raises it elsewhere.
  @Test(arguments: [[13, 11, 12, 15], [-4, -6, -5, -7], [0, 0, 0, 9], [1, -1, 2, -2]])
  func baselinesChangeTheVarianceAsTheyShould(values: [Double]) {
    let logits = [0.5, -0.25, 0, -1]
    let argmax = NoisyArgmax(.gumbel)
    let p = argmax.probabilities(for: logits)
    func mean(_ quantity: (Int) -> Double) -> Double { (0..<4).reduce(0) { $0 + p[$1] * quantity($1) } }
    let f = Objective(ofIndicesInRowsOf: 4) { values[$0[0]!] }
    let draws = isDebugBuild ? 4000 : 60_000
    let variances = ScoreBaseline.allCases.map { baseline in
      argmax.gradient(of: f, for: logits, by: .scoreFunction(baseline: baseline), draws: draws, seed: 8)
        .standardError.map { $0 * $0 * Double(draws) }
    }
    let average = mean { values[$0] }
    for index in 0..<4 {
      func score(_ z: Int) -> Double { (z == index ? 1 : 0) - p[index] }
      let slope = mean { values[$0] * score($0) }
      func variance(_ baseline: Double) -> Double {
        mean { (values[$0] - baseline) * (values[$0] - baseline) * score($0) * score($0) } - slope * slope
      }
      let expected = [variance(0), variance(average), variance(average)]
      for (measured, expected) in zip(variances, expected) {
        #expect(
          (measured[index] / expected - 1).magnitude < (isDebugBuild ? 0.3 : 0.06),
          "\(values), \(index): \(measured[index]), \(expected)")
      }
      let best = mean { values[$0] * score($0) * score($0) } / mean { score($0) * score($0) }
      let helps = (average - best).magnitude < best.magnitude
      #expect(helps == (expected[1] < expected[0]))
      if (expected[1] / expected[0] - 1).magnitude > (isDebugBuild ? 0.5 : 0.1) {
        #expect((variances[1][index] < variances[0][index]) == helps)
        #expect((variances[2][index] < variances[0][index]) == helps)
      }
    }
  }

  /// A constant added to f is nothing to leave-one-out.
  @Test func leaveOneOutIgnoresConstants() {
    let argmax = NoisyArgmax(.normal)
    func estimate(_ constant: Double) -> GradientEstimate {
      let f = Objective(ofIndicesInRowsOf: 3) { Double($0[0]!) + constant }
      return argmax.gradient(
        of: f, for: [0.5, 0, -0.5], by: .scoreFunction(baseline: .leaveOneOut), draws: 100, seed: 3)
    }
    #expect(largestDifference(estimate(0).value, estimate(1e8).value) < 1e-7)
    #expect(largestDifference(estimate(0).standardError, estimate(1e8).standardError) < 1e-7)
  }

  /// The standard error is that of repeated estimates, for few draws too.
  @Test(arguments: discreteEstimators) func standardErrorsAreTheSpread(estimator: DiscreteGradientEstimator) {
    var generator = SplitMix64(seed: 14)
    let f = cubicObjective(size: 6, using: &generator)
    let argmax = NoisyArgmax(.logistic)
    for draws in [10, 100] {
      let ratio = varianceRatio(repetitions: isDebugBuild ? 200 : 3000) { seed in
        argmax.gradient(
          of: f, for: Rows([0.5, -1, 0, 1, 0.25, -0.5], length: 3), by: estimator, draws: draws, seed: seed)
      }
      #expect((ratio - 1).magnitude < (isDebugBuild ? 0.4 : 0.1), "\(estimator), \(draws): \(ratio)")
    }
  }

  /// The relaxed gradient goes to the exact one as τ falls, and its variance grows.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func biasFallsAndVarianceRisesAsTheTemperatureFalls(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let unit = noise.variance.squareRoot()
    let argmax = NoisyArgmax(noise)
    let logits = [0.5, -0.25, 0, 0.3].map { $0 * unit }
    let targets = [2, -1, 0.5, 1.5]
    let f = Objective(
      value: { z in zip(z, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } },
      gradient: { z in zip(z, targets).map { 2 * ($0 - $1) } })
    let exact = argmax.exactGradient(of: f, for: logits)
    let draws = isDebugBuild ? 1000 : 20_000
    let temperatures = isDebugBuild ? [4, 0.05] : [4, 1, 0.25, 0.05]
    for straight in [false, true] {
      var (lastBias, lastVariance) = (Double.infinity, 0.0)
      for temperature in temperatures {
        let estimate = argmax.gradient(
          of: f, for: logits,
          by: straight
            ? .straightThrough(temperature: temperature * unit)
            : .relaxation(temperature: temperature * unit),
          draws: draws, seed: 21)
        let variance = squaredLength(estimate.standardError)
        let bias = (0..<4).reduce(0) {
          max($0, (estimate.value[$1] - exact[$1]).magnitude - 2 * estimate.standardError[$1])
        }
        #expect(bias < lastBias || bias <= 0, "\(temperature): \(bias) after \(lastBias)")
        #expect(variance > lastVariance, "\(temperature): \(variance) after \(lastVariance)")
        (lastBias, lastVariance) = (bias, variance)
      }
      let size = squaredLength(exact).squareRoot()
      #expect(lastBias < 0.03 * size, "\(lastBias) of \(size)")
    }
  }

  /// Two classes under Gumbel noise: the mean of the relaxed gradient is an integral over logistic noise. So it has no
  /// bias as the gradient of E[f(y)].
  @Test(arguments: [0.2, 1, 3]) func relaxationsAreUnbiasedForTheRelaxedObjective(temperature: Double) {
    let f = Objective(
      value: { z in z[0] * z[0] * z[0] - z[1] }, gradient: { z in [3 * z[0] * z[0], -1] })
    var expected = 0.0
    let step = 1e-3
    for node in -40_000...40_000 {
      let noise = Double(node) * step
      let y = Logistic().cumulative(at: (0.7 + noise) / temperature)
      expected += step * Logistic().density(at: noise) * y * (1 - y) / temperature * (3 * y * y + 1)
    }
    let estimate = NoisyArgmax(.gumbel).gradient(
      of: f, for: [0.7, 0], by: .relaxation(temperature: temperature), draws: isDebugBuild ? 2000 : 40_000,
      seed: 4)
    var deviations = Deviations()
    deviations.add(estimate, expected: [expected, -expected], "τ = \(temperature)")
    #expect(!deviations.areSuspicious, "\(deviations)")
  }

  /// At low temperatures straight-through sees f change between two corners by the mean of the slopes at both: right
  /// for a quadratic f, not for a cubic one. For a linear f it is the relaxation.
  @Test func straightThroughHasItsOwnLimit() {
    let argmax = NoisyArgmax(.gumbel)
    let logits = [0.5, -0.25, 0]
    let weights = [1, -2, 3.0]
    let cubic = Objective(
      value: { z in zip(weights, z).reduce(0) { $0 + $1.0 * $1.1 * $1.1 * $1.1 } },
      gradient: { z in zip(weights, z).map { 3 * $0 * $1 * $1 } })
    let jacobian = argmax.jacobian(for: logits)
    var limit = [0.0, 0, 0]
    for i in 0..<3 {
      for j in 0..<3 where i != j { limit[i] -= jacobian[i][j] * (3 * weights[i] - 3 * weights[j]) / 2 }
    }
    let exact = argmax.exactGradient(of: cubic, for: logits)
    let draws = isDebugBuild ? 4000 : 100_000
    let estimate = argmax.gradient(
      of: cubic, for: logits, by: .straightThrough(temperature: 0.02), draws: draws, seed: 6)
    for index in 0..<3 {
      #expect((estimate.value[index] - limit[index]).magnitude < 5 * estimate.standardError[index] + 0.01)
    }
    #expect(largestDifference(limit, exact) > 0.2)
    let linear = Objective(value: { _ in 0 }, gradient: { _ in weights })
    #expect(
      argmax.gradient(of: linear, for: logits, by: .straightThrough(temperature: 0.7), draws: 50, seed: 1)
        == argmax.gradient(of: linear, for: logits, by: .relaxation(temperature: 0.7), draws: 50, seed: 1))
  }

  @Test(arguments: discreteEstimators) func edges(estimator: DiscreteGradientEstimator) {
    let argmax = NoisyArgmax(.normal)
    let f = Objective(value: { $0.reduce(0, +) }, gradient: { $0.map { $0 + 1 } })
    func estimate(_ logits: [Double], rowLength: Int) -> GradientEstimate {
      argmax.gradient(of: f, for: Rows(logits, length: rowLength), by: estimator, draws: 5, seed: 2)
    }
    #expect(estimate([], rowLength: 0).value == [])
    let masked = estimate(
      [-.infinity, -.infinity, 3, -.infinity, .infinity, 1, 0.5, 0.5], rowLength: 2)
    #expect(masked.value[..<6].allSatisfy { $0 == 0 } && masked.standardError[..<6].allSatisfy { $0 == 0 })
    #expect(masked.value.allSatisfy { $0.isFinite } && masked.standardError.allSatisfy { $0.isFinite })
    for row in [[Double.nan, 0], [.infinity, .infinity]] {
      let undefined = estimate(row + [0, 1], rowLength: 2)
      #expect(undefined.value.count == 4 && undefined.value.allSatisfy { $0.isNaN })
      #expect(undefined.standardError.allSatisfy { $0.isNaN })
    }
    #expect(estimate([0, 1], rowLength: 2) == estimate([0, 1], rowLength: 2))
  }

  /// A law of three functions has relaxations, too.
  @Test func relaxesUnderTheQuantileRule() {
    let argmax = NoisyArgmax(.normal, method: .quantileRule(points: 8))
    let f = Objective(value: { $0[0] }, gradient: { _ in [1, 0] })
    let estimate = argmax.gradient(
      of: f, for: [0, 1], by: .relaxation(temperature: 0.5), draws: 10, seed: 2)
    #expect(
      estimate
        == NoisyArgmax(.normal).gradient(
          of: f, for: [0, 1], by: .relaxation(temperature: 0.5), draws: 10, seed: 2))
  }

  @Test func indicesReachTheObjective() {
    let f = Objective(ofIndicesInRowsOf: 3) { indices in
      #expect(indices == [1, nil, 0])
      return 7
    }
    #expect(f.value([0, 1, 0, 0, 0, 0, 1, 0, 0]) == 7)
    #expect(f.gradient == nil)
  }

  @Test func brokenContractsTrap() async {
    await #expect(processExitsWith: .failure) {
      let f = Objective { _ in 0 }
      _ = NoisyArgmax(.gumbel).gradient(of: f, for: [0, 1], by: .scoreFunction(), draws: 1, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective { _ in 0 }
      _ = NoisyArgmax(.gumbel).gradient(
        of: f, for: [0, 1], by: .scoreFunction(baseline: .leaveOneOut), draws: 3, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective { _ in 0 }
      _ = NoisyArgmax(.gumbel).gradient(
        of: f, for: [0, 1], by: .relaxation(temperature: 1), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective(value: { _ in 0 }, gradient: { _ in [1] })
      _ = NoisyArgmax(.gumbel).gradient(
        of: f, for: [0, 1], by: .straightThrough(temperature: 1), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective(value: { _ in 0 }, gradient: { $0 })
      _ = NoisyArgmax(.gumbel).gradient(
        of: f, for: [0, 1], by: .straightThrough(temperature: 0), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective { _ in 0 }
      _ = NoisyArgmax(.normal, method: .quantileRule(points: 8)).gradient(
        of: f, for: [0, 1], by: .scoreFunction(), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      let f = Objective { _ in 0 }
      _ = NoisyArgmax(.gumbel).gradient(
        of: f, for: Rows([0, 1, 2], length: 2), by: .scoreFunction(), draws: 9, seed: 1)
    }
  }
}
