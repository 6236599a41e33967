import Noisemax
let laws: [(String, any ExactNoise)] = [("gumbel", Gumbel()), ("normal", Normal()), ("logistic", Logistic())]
for (name, law) in laws {
  for i in 0..<8000 {
    let r: Double = switch (name, i % 4) { case ("gumbel", 0): .random(in: -6.6...2); case ("gumbel", 1): .random(in: -7...700)
      case ("normal", 0): .random(in: -3...3); case ("normal", 1): .random(in: -38.6...38.6); case (_, 0): .random(in: -3...3); case (_, 1): .random(in: -708...708)
      case (_, 2): .random(in: -1...1); default: .random(in: -1...1) * 1e-3 }
    print("D", name, r, law.cumulative(at: r), law.survival(at: r), law.logCumulative(at: r), law.logSurvival(at: r), law.density(at: r))
    let p: Double = switch i % 4 { case 0: .random(in: 0...1); case 1: Double(sign: .plus, exponent: Int.random(in: -1074 ... -1), significand: .random(in: 1..<2)); case 2: .random(in: 0.2...0.3); default: 1 - Double(sign: .plus, exponent: Int.random(in: -50 ... -1), significand: .random(in: 1..<2)) }
    if p > 0 { print("Q", name, p, law.quantile(at: p), law.upperQuantile(at: p)) }
  }
}
