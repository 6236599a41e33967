import Noisemax
import Testing

/// Batches on several threads.
@Suite struct ThreadsTests {
  /// No bit of a row depends on the rows around it or on the threads.
  @Test(arguments: ["gumbel", "normal", "uniform"])
  func rowsHaveTheSameBitsOnAnyNumberOfThreads(law: String) throws {
    let entry = try #require(NoiseRegistry.entries.first { $0.name == law })
    let argmax = NoisyArgmax(entry.noise, method: .exact)
    var generator = StreamGenerator(seed: 9)
    let (count, n) = (isDebugBuild ? 60 : 600, 17)
    let logits = (0..<count * n).map { _ in Double.random(in: -4...4, using: &generator) }
    let cotangent = (0..<count * n).map { _ in Double.random(in: -1...1, using: &generator) }
    let targets = (0..<count).map { $0 % n }

    func results(threads: Int) -> ([Double], [Double], [Double], Double) {
      var workspace = NoisyArgmax.Workspace(threads: threads)
      var (p, pulled, gradient) = (logits, logits, logits)
      var pSpan = p.mutableSpan
      argmax.writeProbabilities(forRowsOf: logits.span, rowLength: n, to: &pSpan, workspace: &workspace)
      var pulledSpan = pulled.mutableSpan
      argmax.writePullback(
        atRowsOf: logits.span, of: cotangent.span, rowLength: n, to: &pulledSpan, workspace: &workspace)
      var gradientSpan = gradient.mutableSpan
      let loss = argmax.writeLossGradient(
        forRowsOf: logits.span, rowLength: n, targets: targets.span, to: &gradientSpan, workspace: &workspace)
      return (p, pulled, gradient, loss)
    }
    let one = results(threads: 1)
    for threads in [2, 3, 64, .max] {
      let many = results(threads: threads)
      #expect(one.0 == many.0 && one.1 == many.1 && one.2 == many.2 && one.3 == many.3, "\(threads) threads")
    }
    for row in [0, 7, count - 1] {
      let places = row * n..<(row + 1) * n
      #expect(argmax.probabilities(for: Array(logits[places])) == Array(one.0[places]))
    }
  }
}
