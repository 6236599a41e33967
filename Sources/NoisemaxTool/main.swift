import Noisemax
import Foundation
struct LG: SmoothNoise {
  let b = Gumbel()
  func cumulative(at x: Double) -> Double { b.cumulative(at: x) }
  func density(at x: Double) -> Double { b.density(at: x) }
  func quantile(at p: Double) -> Double { b.quantile(at: p) }
  func survival(at x: Double) -> Double { b.survival(at: x) }
  func upperQuantile(at q: Double) -> Double { b.upperQuantile(at: q) }
  func logCumulative(at x: Double) -> Double { b.logCumulative(at: x) }
  func logSurvival(at x: Double) -> Double { b.logSurvival(at: x) }
  func logReversedHazard(at x: Double) -> Double { -x }
  var mean: Double { b.mean }
  var variance: Double { b.variance }
}
struct Case: Decodable {
  let noise: String; let logits: [Double]; let probabilities: [String]; let logProbabilities: [String];
  let expectedMaximum: String
}
let clock = ContinuousClock()
var laws: [(String, NoisyArgmax)] = []
for (name, n) in [
  ("normal", Normal()), ("logistic", Logistic()), ("gumbel", LG()), ("reversed", ReversedGumbel()),
] as [(String, any SmoothNoise)] {
  let t = clock.measure { laws.append((name, NoisyArgmax(n))) }
  print(name, "table", t)
}
let text = try! String(contentsOfFile: "/work/shared/reference/argmax-cases.jsonl", encoding: .utf8)
let cases = text.split(separator: "\n").map { try! JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
for (name, a) in laws {
  var worst = (0.0, ""), wl = (0.0, ""), ws = 0.0, we = 0.0, wf = (0.0, "")
  for c in cases where c.noise == name {
    let p = a.probabilities(for: c.logits), l = a.logProbabilities(for: c.logits)
    let pf = a.probabilities(for: c.logits.map { Float($0) })
    for i in p.indices {
      let t = Double(c.probabilities[i])!, lt = Double(c.logProbabilities[i])!
      if t >= 1e-300 {
        let e = abs(p[i] - t) / t; if e > worst.0 { worst = (e, "n=\(p.count) i=\(i) p=\(t) got \(p[i])") }
      }
      if t >= 1e-30 {
        let e = abs(Double(pf[i]) - t) / t;
        if e > wf.0 { wf = (e, "n=\(p.count) i=\(i) p=\(t) got \(pf[i])") }
      }
      let e = abs(l[i] - lt) / max(1, abs(lt));
      if e > wl.0 { wl = (e, "n=\(p.count) i=\(i) l=\(lt) got \(l[i])") }
    }
    ws = max(ws, abs(p.reduce(0, +) - 1))
    do {
      let v = a.expectedMaximum(of: c.logits), t = Double(c.expectedMaximum)!;
      if abs(v - t) / (1 + c.logits.map(abs).max()!) > 2e-14 {
        print(name, c.logits.prefix(4), c.logits.count, v, t)
      }
    }
    we = max(
      we, abs(a.expectedMaximum(of: c.logits) - Double(c.expectedMaximum)!) / (1 + c.logits.map(abs).max()!))
  }
  print(name, worst, "log", wl, "sum", ws, "E", we, "Float", wf)
}
