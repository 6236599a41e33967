// The logits that have given probabilities.

extension NoisyArgmax {
  /// The logits whose probabilities these are: those of mean 0, the only ones but for a shift.
  ///
  /// ```swift
  /// let logits = argmax.logits(for: [0.5, 0.3, 0.2])
  /// argmax.probabilities(for: logits)                   // [0.5, 0.3, 0.2]
  /// ```
  ///
  /// They minimise the convex E[max(μ + s·ε)] − ⟨μ, q⟩. A class with probability 0 has the logit −∞, and the mean is that of the
  /// others. Under noise with bounded support, such as Uniform, a class as far behind the leader as the support is wide
  /// cannot win: there a class with probability 0 has the largest logit with which it cannot.
  ///
  /// Accuracy: the probabilities of the result are those given within 3e-12 relative, down to 1e-250, but for what rounding
  /// the logits changes. Cost: some ten times the Jacobian for rows of up to 64 classes, and for longer ones some
  /// dozens of pullbacks.
  ///
  /// - Parameter probabilities: q, one row or many ``Rows``.
  /// - Returns: μ, in the same shape.
  /// - Precondition: the method is exact; no probability is negative, and those of a row sum to 1 within 1e-6 (Float: 1e-3).
  public func logits<L: Logits>(for probabilities: L) -> L {
    requireExact("inverse")
    let rows = probabilities.asRows
    var elements: [L.Scalar] = []
    elements.reserveCapacity(rows.elements.count)
    let tolerance = Precision(of: L.Scalar.self) == .double ? 1e-6 : 1e-3
    for row in 0..<rows.count {
      let q = rows[row].map { Double($0) }
      checkDistribution(q, within: tolerance)
      elements += inverse(of: q).map { L.Scalar($0) }
    }
    return L.form(of: Rows(elements, rows.shape))
  }

  private func checkDistribution(_ q: [Double], within tolerance: Double) {
    for (index, value) in q.enumerated() {
      require(value >= 0, "the probability \(value) of class \(index) is not 0 or more")
    }
    let sum = CompensatedSum(of: q).value
    require(
      q.isEmpty || (sum - 1).magnitude <= tolerance,
      "the probabilities of a row of \(q.count) sum to \(sum), not to 1")
  }

  private func inverse(of q: [Double]) -> [Double] {
    let open = q.indices.filter { q[$0] > 0 }
    let total = CompensatedSum(of: q).value
    let found = open.count < 2 ? open.map { _ in 0.0 } : inverse(ofOpen: open.map { q[$0] / total })
    let mean = CompensatedSum(of: found).value / Double(Swift.max(found.count, 1))
    let top = (found.max() ?? 0) - mean
    // Of the noise in units of the standard law.
    let law = StandardizedNoise(noise).standard
    let width = law.quantile(at: 1) - law.quantile(at: 0)
    var result = [Double](repeating: width < .infinity ? top - unit * width : -.infinity, count: q.count)
    for (place, index) in open.enumerated() { result[index] = found[place] - mean }
    return result
  }

  /// The logits of at least two classes, all of which can win.
  private func inverse(ofOpen q: [Double]) -> [Double] {
    let logarithms = q.map { logarithm($0) }
    if isSoftmax { return logarithms.map { unit * $0 } }
    let standard = NoisyArgmax(self, scale: scale / unit)
    let search = InverseSearch(standard, logarithms)
    return search.result().map { $0 * unit }
  }
}

/// Newton's iteration on log p(μ) = log q, in units of the standard law.
///
/// The Jacobian of log p is ∂log p_i/∂μ_j = J_ij/p_i: no entry off its diagonal is above 0, and its rows sum to 0. So it is solved
/// by elimination without pivots, the likeliest class held, and kept for as long as the steps with it shrink.
/// Long rows take conjugate gradients on J, in which the rarest classes weigh nothing; those take a step of their own.
private struct InverseSearch {
  private let argmax: NoisyArgmax
  /// log q.
  private let target: [Double]
  private let likeliest: Int
  /// How far behind the leader a class can win.
  private let width: Double

  init(_ argmax: NoisyArgmax, _ target: [Double]) {
    (self.argmax, self.target) = (argmax, target)
    likeliest = target.indices.max { target[$0] < target[$1] } ?? 0
    let law = StandardizedNoise(argmax.noise).standard
    width = law.quantile(at: 1) - law.quantile(at: 0)
  }

  /// The most classes whose Jacobian is made: it costs a pullback for each, and n³/3 multiplications.
  private static var mostDense: Int { 64 }

  func result() -> [Double] {
    var logits = start()
    var best = (logits: logits, error: Double.infinity)
    var factors: Elimination?
    var stalled = 0
    for _ in 0..<100 {
      let residual = residual(at: logits)
      let error = residual.reduce(0) { Swift.max($0, $1.magnitude) }
      if error.isNaN { break }
      let shrinks = error <= 0.1 * best.error
      stalled = error <= 0.5 * best.error ? 0 : stalled + 1
      if error < best.error { best = (logits, error) }
      // At last steps change nothing but roundings.
      if best.error <= 1e-13 || stalled > (best.error < 1e-9 ? 1 : 12) { break }
      let step: [Double]
      if target.count <= Self.mostDense {
        if factors == nil || !shrinks { factors = Elimination(argmax, logits, holding: likeliest) }
        step = factors?.solve(residual) ?? residual
      } else {
        step = longStep(residual, at: logits)
      }
      logits = moved(logits, by: step)
    }
    return best.logits
  }

  /// μ_i = −F⁻¹(1 − 0.6·q_i): the noise of class i brings it above 0 with about its probability.
  private func start() -> [Double] {
    guard let law = StandardizedNoise(argmax.noise).standard as? any AccurateNoise else { return target }
    return target.map { 0 - law.upperQuantile(at: 0.6 * exponential($0)) }
  }

  private func residual(at logits: [Double]) -> [Double] {
    let found = argmax.logProbabilities(for: logits)
    return target.indices.map { target[$0] - found[$0] }
  }

  /// A step, held back where a class could no longer win.
  private func moved(_ logits: [Double], by step: [Double]) -> [Double] {
    let largest = step.reduce(0) { Swift.max($0, $1.magnitude) }
    let factor = largest > 64 ? 64 / largest : 1
    var result = zip(logits, step).map { $0 + factor * $1 }
    guard width < .infinity else { return result }
    let (before, after) = (logits.max() ?? 0, result.max() ?? 0)
    for index in result.indices {
      let reach = Swift.max(width - (before - logits[index]), 0x1p-52 * width)
      result[index] = Swift.max(result[index], after - width + reach / 8)
    }
    return result
  }

  // MARK: - Long rows

  private func longStep(_ residual: [Double], at logits: [Double]) -> [Double] {
    let p = zip(target, residual).map { exponential($0 - $1) }
    let diagonal = diagonal(at: logits)
    var step = [Double](repeating: 0, count: logits.count)
    // What is left of p·residual, and the direction of conjugate gradients.
    var left = zip(p, residual).map { $0 * $1 }
    let mean = CompensatedSum(of: left).value
    for index in left.indices { left[index] -= mean * p[index] }
    var direction = zip(left, diagonal).map { $0 / $1 }
    var product = zip(left, direction).reduce(0) { $0 + $1.0 * $1.1 }
    let first = product
    for _ in 0..<60 where product > 1e-20 * first {
      let image = argmax.pullback(for: logits, of: direction)
      let curvature = zip(direction, image).reduce(0) { $0 + $1.0 * $1.1 }
      guard curvature > 0 else { break }
      let length = product / curvature
      for index in step.indices {
        step[index] += length * direction[index]
        left[index] -= length * image[index]
      }
      let scaled = zip(left, diagonal).map { $0 / $1 }
      let next = zip(left, scaled).reduce(0) { $0 + $1.0 * $1.1 }
      for index in step.indices { direction[index] = scaled[index] + next / product * direction[index] }
      product = next
    }
    moveRareClasses(by: &step, residual, p, at: logits)
    return step
  }

  /// Classes too rare to be seen beside the others take Newton's step on log p or on log(−log p), whichever is the shorter:
  /// they move nothing but themselves, and where tails fall doubly exponentially the former goes far too deep.
  private func moveRareClasses(
    by step: inout [Double], _ residual: [Double], _ p: [Double], at logits: [Double]
  ) {
    let most = 1e-6 / Double(p.count)
    guard p.contains(where: { $0 < most }) else { return }
    let slopes = argmax.logProbabilitiesPullback(for: logits, of: p.map { $0 < most ? 1 : 0 })
    for index in step.indices where p[index] < most && slopes[index] > 0 {
      let value = target[index] - residual[index]
      let (plain, twice) = (residual[index], logarithm(target[index] / value) * value)
      step[index] = (plain.magnitude < twice.magnitude ? plain : twice) / slopes[index]
    }
  }

  /// About J_ii, within a factor of 2: what moves to a class from the other half and from the likeliest one.
  private func diagonal(at logits: [Double]) -> [Double] {
    func image(_ isIn: (Int) -> Bool) -> [Double] {
      argmax.pullback(for: logits, of: logits.indices.map { isIn($0) ? 1 : 0 })
    }
    let even = image { $0 != likeliest && $0.isMultiple(of: 2) }
    let odd = image { $0 != likeliest && !$0.isMultiple(of: 2) }
    return logits.indices.map { index in
      let likeliestShare = even[index] + odd[index]
      if index == likeliest { return Swift.max(-likeliestShare, 0x1p-1000) }
      let other = index.isMultiple(of: 2) ? odd[index] : even[index]
      return Swift.max(likeliestShare - 2 * other, 0x1p-1000)
    }
  }
}

/// The Jacobian of the log-probabilities without the row and the column of one class, in triangular factors.
private struct Elimination {
  private let held: Int
  private let size: Int
  private var matrix: [Double]

  init(_ argmax: NoisyArgmax, _ logits: [Double], holding held: Int) {
    let n = logits.count
    (self.held, size) = (held, n - 1)
    var (rows, units) = ([Double](), [Double](repeating: 0, count: n * (n - 1)))
    rows.reserveCapacity(n * (n - 1))
    for line in 0..<n - 1 {
      rows += logits
      units[line * n + (line < held ? line : line + 1)] = 1
    }
    let jacobian = argmax.logProbabilitiesPullback(for: Rows(rows, length: n), of: Rows(units, length: n))
      .elements
    matrix = []
    matrix.reserveCapacity(size * size)
    for line in 0..<size {
      for column in 0..<n where column != held { matrix.append(jacobian[line * n + column]) }
    }
    for pivot in 0..<size {
      for line in pivot + 1..<Swift.max(size, pivot + 1) {
        let factor = matrix[line * size + pivot] / matrix[pivot * size + pivot]
        matrix[line * size + pivot] = factor
        if factor == 0 { continue }
        for column in pivot + 1..<size {
          matrix[line * size + column] -= factor * matrix[pivot * size + column]
        }
      }
    }
  }

  func solve(_ values: [Double]) -> [Double] {
    var x = values.indices.filter { $0 != held }.map { values[$0] }
    for line in 0..<size { for column in 0..<line { x[line] -= matrix[line * size + column] * x[column] } }
    for line in (0..<size).reversed() {
      for column in line + 1..<Swift.max(size, line + 1) {
        x[line] -= matrix[line * size + column] * x[column]
      }
      x[line] /= matrix[line * size + line]
    }
    x.insert(0, at: held)
    return x
  }
}
