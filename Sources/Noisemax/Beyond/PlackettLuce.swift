/// Orderings under Gumbel noise in closed form: P = ∏_a e^(μ_a)/Σ(that class and all that remain), each class drawn from the
/// softmax of those left.
struct PlackettLuce {
  /// −log P: a sum of terms that are not negative, accurate where the ordering is almost certain.
  private(set) var loss = 0.0
  private let ordering: [Int]
  /// log Σ e^μ of the classes that remain before each position of the ordering, and after the last.
  private let logSums: [Double]

  /// - Parameters:
  ///   - logits: μ over the scale, below +∞.
  ///   - ordering: different indices, none of them masked.
  init(_ logits: [Double], ordering: [Int]) {
    self.ordering = ordering
    var rest = Set(logits.indices)
    rest.subtract(ordering)
    let top = rest.reduce(-.infinity) { Swift.max($0, logits[$1]) }
    var sum = CompensatedSum()
    for index in rest.sorted() where logits[index] > -.infinity { sum.add(exponential(logits[index] - top)) }
    var logSums = [top == -.infinity ? top : top + logarithm(sum.value)]
    for index in ordering.reversed() {
      let (own, others) = (logits[index], logSums[logSums.count - 1])
      let excess = others - own
      let term =
        excess > 0
        ? excess + logarithmOfOnePlus(exponential(-excess)) : logarithmOfOnePlus(exponential(excess))
      loss += term
      logSums.append(own + term)
    }
    self.logSums = logSums.reversed()
  }

  /// Adds the gradient of the loss in the logits over the scale, times a weight.
  func addGradient(of logits: [Double], times weight: Double, to gradient: inout [Double]) {
    var isPlaced = [Bool](repeating: false, count: logits.count)
    // Σ over the positions so far of e^(log sum now − log sum there).
    var places = 0.0
    for (place, index) in ordering.enumerated() {
      let own = logits[index]
      if place > 0 { places *= exponential(logSums[place] - logSums[place - 1]) }
      // What the others keep from it here, and what it takes from those before.
      let rest = logSums[place + 1] == -.infinity ? 0 : exponential(logSums[place + 1] - logSums[place])
      gradient[index] += weight * (places * exponential(own - logSums[place]) - rest)
      places += 1
      isPlaced[index] = true
    }
    guard let last = ordering.indices.last else { return }
    for index in logits.indices where !isPlaced[index] && logits[index] > -.infinity {
      gradient[index] += weight * places * exponential(logits[index] - logSums[last])
    }
  }
}
