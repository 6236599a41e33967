import Foundation
import Noisemax
import Testing

/// KL(p‖q) between the distributions at two rows: against closed forms.
@Suite struct DivergenceTests {
  static let laws = ShippedLaw.all.map(\.name)

  /// From the fair coin to q = ½(1 ± t), t = tanh δ: −½ log(1 − t²).
  @Test func nearbyDistributionsKeepTheirDigits() {
    for delta in [1e-7, 1e-6, 1e-3, 0.1, 1, 30] {
      let divergence =
        delta < 1 ? -0.5 * log1p(-tanh(delta) * tanh(delta)) : delta + log1p(exp(-2 * delta)) - log(2)
      let value = NoisyArgmax(.gumbel).divergence(for: [0, 0], from: [delta, -delta])
      #expect(
        isClose(value, divergence, within: (4e-16 / delta + 1e-14) * divergence),
        "δ \(delta): \(value), not \(divergence)")
    }
  }

  /// p_i and q_i from the log-probabilities, which have tests of their own, also where q underflows.
  @Test(arguments: laws) func agreesWithItsLogarithms(law: String) throws {
    let argmax = try NoisyArgmax(named: law, scale: law == "uniform" ? 2 : 1)
    let p: [Double] = [0.5, -0.25, -.infinity, 0.75, -0.5]
    for q: [Double] in [
      [0, 0.5, 0.25, 1, -0.125], law == "uniform" ? [0, 1, 0, 0, 1] : [0, -60, -5, -600, -3],
    ] {
      let (logP, logQ) = (argmax.logProbabilities(for: p), argmax.logProbabilities(for: q))
      let expected = p.indices.reduce(0) {
        p[$1] > -.infinity ? $0 + exp(logP[$1]) * (logP[$1] - logQ[$1]) : $0
      }
      let value = argmax.divergence(for: p, from: q)
      #expect(
        (value - expected).magnitude <= 1e-13 * (1 + expected), "\(law), \(q): \(value), not \(expected)")
      #expect(argmax.divergence(for: p, from: p) == 0)
    }
  }

  /// Under Gumbel noise: p_i (log(p_i/q_i) − KL)/s in the logits of p, (q_i − p_i)/s in those of q.
  @Test func gradientsHaveTheClosedForm() {
    let argmax = NoisyArgmax(.gumbel, scale: 0.5)
    let (first, second): ([Double], [Double]) = ([0.5, -2, -.infinity, 1], [0, 0.25, -1, 0.5])
    let (logP, logQ) = (argmax.logProbabilities(for: first), argmax.logProbabilities(for: second))
    let (value, inP, inQ) = argmax.divergenceWithGradients(for: first, from: second)
    for index in first.indices {
      let p = exp(logP[index])
      let slope = p == 0 ? 0 : p * (logP[index] - logQ[index] - value) / 0.5
      #expect(isClose(inP[index], slope, within: 1e-13), "\(index): \(inP), not \(slope)")
      #expect(isClose(inQ[index], (exp(logQ[index]) - p) / 0.5, within: 1e-13), "\(index): \(inQ)")
    }
  }

  @Test(arguments: laws) func gradientsAreTheSlopes(law: String) throws {
    for method in [NoisyArgmax.Method.exact, .quantileRule(points: 9)] {
      let argmax = try NoisyArgmax(named: law, scale: 1.5, method: method)
      let rows = [0.11, -0.23, 0.31, 0.02, -0.21, 0.193]
      let gradients = argmax.divergenceWithGradients(for: Array(rows[..<3]), from: Array(rows[3...]))
      let gradient = gradients.gradient + gradients.gradientInOthers
      for index in rows.indices {
        let slope = difference(at: rows[index]) { x in
          var moved = rows
          moved[index] = x
          return argmax.divergence(for: Array(moved[..<3]), from: Array(moved[3...]))
        }
        #expect(
          (gradient[index] - slope).magnitude < 1e-8, "\(law), \(method), \(index): \(gradient), not \(slope)"
        )
      }
    }
  }

  @Test func whereQHasNothingItIsInfinite() {
    let argmax = NoisyArgmax(.uniform)
    let (value, inP, inQ) = argmax.divergenceWithGradients(for: [0, -0.5, -0.25], from: [0, -2, -0.5])
    #expect(value == .infinity && !(inP + inQ).contains { !$0.isFinite }, "\(value), \(inP), \(inQ)")
    let masked = argmax.divergence(for: [0, -0.5], from: [0, -.infinity] as [Double])
    #expect(masked == .infinity)
    #expect(argmax.divergence(for: [0, -2], from: [0, -0.5]) > 0)
  }

  /// Where log(p/q) is nearly all that a Double can hold, p is 0 and it moves nothing.
  @Test(arguments: ["gumbel", "normal", "logistic", "exponential", "laplace"], [0, 1, 20, 1200])
  func gradientsBesideNothing(law: String, others: Int) throws {
    let argmax = try NoisyArgmax(named: law)
    let far = law == "normal" ? 1e154 : law == "laplace" && others > 0 ? 1e300 : 1.7e308
    let rest = (0..<others).map { -30 - Double($0 % 7) }
    let (value, inP, inQ) = argmax.divergenceWithGradients(for: [0, -far] + rest, from: [-far, 0] + rest)
    #expect(value > 1e299, "\(law), \(others): \(value)")
    let whole = "\(law), \(others): \(inP), \(inQ)"
    #expect(
      inP.allSatisfy(\.isFinite) && inP[1] == 0 && (inP + inQ).reduce(0, +).magnitude < 1e290, "\(whole)")
    if others == 0 && ["gumbel", "laplace"].contains(law) {
      #expect(value > 1e308 && inP == [0, 0] && inQ == [-1, 1], "\(law): \(value), \(inP), \(inQ)")
    }
  }

  @Test func edgesAndForms() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.divergence(for: [Double](), from: []) == 0)
    #expect(argmax.divergence(for: [-.infinity, -.infinity] as [Double], from: [0, 1]) == 0)
    #expect(argmax.divergence(for: [0, .nan] as [Double], from: [0, 1]).isNaN)
    #expect(argmax.divergence(for: [0, 1], from: [0, .nan] as [Double]).isNaN)
    #expect(argmax.divergence(for: [-1.7e308, 1.7e308], from: [1.7e308, -1.7e308]) > 1e300)
    var (first, second): ([Double], [Double]) = ([0, 1, 2, 0, 0.5, -1], [1, 1, 0, -1, 0, 0.25])
    let rows = (Rows(first, length: 3), Rows(second, length: 3))
    let (values, inP, inQ) = argmax.divergenceWithGradients(for: rows.0, from: rows.1)
    #expect(values == argmax.divergence(for: rows.0, from: rows.1) && values.count == 2)
    #expect(values[1] == argmax.divergence(for: rows.0[1], from: rows.1[1]))
    var workspace = NoisyArgmax.Workspace()
    var written = [0.0, 0]
    var span = written.mutableSpan
    argmax.writeDivergences(
      for: rows.0.elements.span, from: rows.1.elements.span, rowLength: 3, to: &span, workspace: &workspace)
    #expect(written == values)
    var (toP, toQ) = (first.map { _ in 0.0 }, second.map { _ in 0.0 })
    var toPSpan = toP.mutableSpan
    var toQSpan = toQ.mutableSpan
    written = [0, 0]
    span = written.mutableSpan
    argmax.writeDivergenceGradients(
      for: first.span, from: second.span, rowLength: 3, to: &toPSpan, inOthers: &toQSpan, values: &span,
      workspace: &workspace)
    #expect(written == values && toP == inP.elements && toQ == inQ.elements)
    written = [0, 0]
    span = written.mutableSpan
    var firstSpan = first.mutableSpan
    var secondSpan = second.mutableSpan
    argmax.formDivergenceGradients(
      in: &firstSpan, from: &secondSpan, rowLength: 3, values: &span, workspace: &workspace)
    #expect(written == values && first == inP.elements && second == inQ.elements)
  }
}
