import Noisemax
print(
  NoisyArgmax(.gumbel).probabilities(for: [0, -20, -40]),
  NoisyArgmax(.gumbel).logProbabilities(for: [0, -20, -40]))
print(NoisyArgmax(.gumbel).probabilities(for: []), NoisyArgmax(.gumbel).probabilities(for: [0, -.infinity]))
let a = NoisyArgmax(.normal, method: .quantileRule(points: 64))
print(a.probabilities(for: [0, -5]), a.logProbabilities(for: [0, -100]))
let b = NoisyArgmax(.normal, method: .quantileRule(points: 64, normalized: false))
print(
  b.probabilities(for: [Float](repeating: 1, count: 10)).reduce(0, +),
  b.probabilities(for: [Float](repeating: 1, count: 1000)).reduce(0, +))
print(a.probabilities(for: [Double](repeating: 1, count: 5000))[0])
print(
  [1, 2].noisemax(under: .gumbel),
  NoisyArgmax(Gumbel().scaled(by: 2).shifted(by: 1)).probabilities(for: [0, 1]))
for e in NoiseRegistry.entries {
  print(NoisyArgmax(e.noise, method: .quantileRule(points: 8)).probabilities(for: [1, 2, 3]))
}
