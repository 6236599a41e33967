import Noisemax
import Testing

/// Relaxed samples: points of the simplex, finite at any temperature, in the limit the argmax of the same draw.
@Suite struct RelaxedSampleTests {
  let row: [Double] = [0.5, -0.25, -.infinity, 1, 0.75]

  @Test(arguments: ShippedLaw.all.map(\.name))
  func valuesAreTheSoftmaxOfThePerturbedLogits(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    var generator = StreamGenerator(seed: 1)
    let sample = NoisyArgmax(noise, scale: 0.7).relaxedSample(for: row, temperature: 0.4, using: &generator)
    generator = StreamGenerator(seed: 1)
    let draws = noise.random(count: 4, using: &generator)
    let perturbed = zip([0, 1, 3, 4], draws).map { row[$0] + 0.7 * $1 }
    let expected = NoisyArgmax(.gumbel).probabilities(for: perturbed.map { $0 / 0.4 })
    for (index, value) in zip([0, 1, 3, 4], expected) {
      #expect((sample.value[index] - value).magnitude <= 1e-13 * value)
      #expect(
        (sample.logValue[index]
          - NoisyArgmax(.gumbel).logProbabilities(for: perturbed.map { $0 / 0.4 })[
            index > 2 ? index - 1 : index]).magnitude < 1e-13)
    }
    #expect(sample.value[2] == 0 && sample.logValue[2] == -.infinity)
    #expect(sample.temperature == 0.4)
  }

  /// Whatever the temperature: never negative, sum one, logarithms finite where they can be; in the end the one-hot of
  /// the random index that the same state of the generator draws.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func coldSamplesAreTheRandomIndex(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for seed in 0..<UInt64(50) {
      var generator = StreamGenerator(seed: seed)
      let index = try #require(argmax.randomIndex(for: row, using: &generator))
      let oneHot = row.indices.map { $0 == index ? 1.0 : 0 }
      for temperature in [1e9, 10, 1, 0.1, 1e-3, 1e-6, 1e-300, 0x1p-1074] {
        generator = StreamGenerator(seed: seed)
        let sample = argmax.relaxedSample(for: row, temperature: temperature, using: &generator)
        #expect(sample.index == index && sample.hard == oneHot)
        #expect(sample.value.allSatisfy { $0 >= 0 } && (sample.value.reduce(0, +) - 1).magnitude < 1e-14)
        #expect(sample.logValue.allSatisfy { $0 <= 0 })
        if temperature >= 1e-3 {
          #expect(sample.logValue.indices.allSatisfy { $0 == 2 || sample.logValue[$0].isFinite })
        }
        if temperature < 1e-6 { #expect(sample.value == oneHot) }
      }
      generator = StreamGenerator(seed: seed)
      let limit = argmax.relaxedSample(for: row, temperature: 0, using: &generator)
      #expect(limit.value == oneHot && limit.logValue[index] == 0)
      #expect(limit.tempered(to: .infinity).value == [0.25, 0.25, 0, 0.25, 0.25])
    }
  }

  /// As τ falls, the mean of the same draws comes closer and closer to the frequencies, and to p.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func meansConvergeToTheProbabilities(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let logits = [0.5, -0.25, 0.25]
    let p = argmax.probabilities(for: logits)
    let count = isDebugBuild ? 2_000 : 100_000
    let batch = (0..<count).flatMap { _ in logits }
    let sample = argmax.relaxedSample(for: Rows(batch, length: 3), temperature: 1, seed: 3)
    let errors = [1, 0.1, 0.01, 0.001].map { temperature in
      var mean = [0.0, 0, 0]
      for (index, value) in sample.tempered(to: temperature).value.elements.enumerated() {
        mean[index % 3] += value / Double(count)
      }
      return zip(mean, p).map { ($0 - $1).magnitude }.max()!
    }
    #expect(errors[3] < 5 * (0.25 / Double(count)).squareRoot(), "\(errors)")
    #expect(errors[0] > 5 * errors[3] || isDebugBuild, "\(errors)")
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.relaxedSample(for: [Double](), temperature: 1).value.isEmpty)
    #expect(argmax.relaxedSample(for: [Double](), temperature: 1).index == nil)
    let masked = argmax.relaxedSample(for: [-.infinity, -.infinity] as [Double], temperature: 1)
    #expect(masked.value == [0, 0] && masked.hard == [0, 0] && masked.index == nil)
    #expect(masked.logValue == [-.infinity, -.infinity] && masked.pullback(of: [1, 2]) == [0, 0])
    let certain = argmax.relaxedSample(for: [0, .infinity, -.infinity] as [Double], temperature: 5)
    #expect(
      certain.value == [0, 1, 0] && certain.index == 1 && certain.pullback(of: [1, 2, .nan]) == [0, 0, 0])
    for row in [[0, .nan], [.infinity, .infinity]] as [[Double]] {
      let undefined = argmax.relaxedSample(for: row, temperature: 0)
      #expect(undefined.value.allSatisfy(\.isNaN) && undefined.hard.allSatisfy(\.isNaN))
      #expect(undefined.index == nil && undefined.pullback(of: [1, 2]).allSatisfy(\.isNaN))
      #expect(undefined.temperaturePullback(of: [1, 2]).isNaN)
    }
    // Logits whose differences overflow stay open classes with a finite logarithm.
    let far = argmax.relaxedSample(for: [1.7e308, -1.7e308], temperature: 2)
    #expect(far.value == [1, 0] && far.logValue[1].isFinite)
    // Multiplied by the scale they overflow again.
    let stretched = NoisyArgmax(.normal, scale: 4).relaxedSample(for: [1.7e308, -1.7e308], temperature: 2)
    #expect(stretched.perturbedLogits == [0, -.greatestFiniteMagnitude])
    #expect(stretched.value == [1, 0] && stretched.logValue == [0, -.greatestFiniteMagnitude / 2])
    #expect(stretched.tempered(to: .infinity).value == [0.5, 0.5])
  }

  @Test func floatsAreTheSameDrawRounded() {
    let argmax = NoisyArgmax(.gumbel)
    let floats = row.map(Float.init)
    var (one, other) = (StreamGenerator(seed: 4), StreamGenerator(seed: 4))
    let single = argmax.relaxedSample(for: floats, temperature: 0.5, using: &one)
    let double = argmax.relaxedSample(for: row, temperature: 0.5, using: &other)
    #expect(single.value == double.value.map(Float.init))
    #expect(single.pullback(of: [1, 2, 3, 4, 5]) == double.pullback(of: [1, 2, 3, 4, 5]).map(Float.init))
    #expect(single.hard == double.hard.map(Float.init))
    #expect(argmax.relaxedSample(for: floats, temperature: 0.5).value[2] == 0)
  }

  /// 100 binary choices, 2¹⁰⁰ values: one call samples, relaxes and differentiates them, each row as if alone, and the
  /// batch may be cut anywhere.
  @Test func rowsAreIndependentFactors() {
    let argmax = NoisyArgmax(.logistic)
    var generator = StreamGenerator(seed: 5)
    let logits = Normal().random(count: 200, using: &generator)
    let cotangent = Normal().random(count: 200, using: &generator)
    let all = argmax.relaxedSample(for: Rows(logits, length: 2), temperature: 0.3, seed: 6)
    let gradient = all.pullback(of: Rows(cotangent, length: 2))
    #expect(all.index == argmax.randomIndex(for: Rows(logits, length: 2), seed: 6))
    var temperatureGradient = 0.0
    for row in 0..<100 {
      let slots = 2 * row..<2 * row + 2
      var stream = StreamGenerator(seed: 6, stream: UInt64(row))
      let alone = argmax.relaxedSample(for: Array(logits[slots]), temperature: 0.3, using: &stream)
      #expect(alone.value == all.value[row])
      #expect(alone.pullback(of: Array(cotangent[slots])) == gradient[row])
      temperatureGradient += alone.temperaturePullback(of: Array(cotangent[slots]))
    }
    #expect((all.temperaturePullback(of: Rows(cotangent, length: 2)) - temperatureGradient).magnitude < 1e-12)
    let tail = argmax.relaxedSample(
      for: Rows(Array(logits[74...]), length: 2), temperature: 0.3, seed: 6, firstRow: 37)
    #expect(tail.value.elements == Array(all.value.elements[74...]))
    var word = ScriptedGenerator(6)
    #expect(
      argmax.relaxedSample(for: Rows(logits, length: 2), temperature: 0.3, using: &word).value == all.value
    )
    #expect(argmax.relaxedSample(for: Rows(logits, length: 2), temperature: 0.3).value.elements.count == 200)
  }

  @Test func impossibleTemperaturesTrap() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.gumbel).relaxedSample(for: [1, 2], temperature: -0.5)
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("-0.5"), "\(text)")
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).relaxedSample(for: [1, 2], temperature: .nan)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).relaxedSample(for: [1, 2], temperature: 1).pullback(of: [1])
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).relaxedSample(for: Rows([1.0, 2, 3], length: 2), temperature: 1)
    }
  }
}
