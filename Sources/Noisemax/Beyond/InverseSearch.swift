// The search for the logits that have given probabilities.

/// Newton's iteration on log p(μ) = log q, in units of the standard law.
///
/// The Jacobian of log p is ∂log p_i/∂μ_j = J_ij/p_i: no entry off its diagonal is above 0, and its rows sum to 0. So it is solved
/// by elimination without pivots, the likeliest class held, and kept for as long as the steps with it shrink.
/// Long rows take the step by pullbacks alone.
struct InverseSearch {
  private let model: InverseModel
  /// log q.
  private let target: [Double]
  private let likeliest: Int
  /// The ends of the noise of every class.
  private let lower, upper: [Double]

  /// - Parameters:
  ///   - argmax: the transform.
  ///   - scales: those of the classes, unless all are 1.
  ///   - target: log q, of at least two classes.
  init(_ argmax: NoisyArgmax, scales: [Double]?, _ target: [Double]) {
    let model = InverseModel(argmax: argmax, scales: scales)
    (self.model, self.target) = (model, target)
    likeliest = target.indices.max { target[$0] < target[$1] } ?? 0
    let law = StandardizedNoise(argmax.noise).standard
    let (lower, upper) = (law.quantile(at: 0), law.quantile(at: 1))
    self.lower = target.indices.map { model.noise(lower, of: $0) }
    self.upper = target.indices.map { model.noise(upper, of: $0) }
  }

  /// The most classes whose Jacobian is made: it costs n²/2 integrals, and n³/3 multiplications.
  private static var mostDense: Int { 64 }

  func result() -> [Double] {
    var logits = start()
    var best = (logits: logits, error: Double.infinity)
    var factors: Elimination?
    var stalled = 0
    for _ in 0..<100 {
      let residual = residual(at: logits)
      let error = residual.reduce(0) { Swift.max($0, $1.magnitude) }
      if residual.contains(where: \.isNaN) { break }
      let shrinks = error <= 0.1 * best.error
      stalled = error <= 0.5 * best.error ? 0 : stalled + 1
      if error < best.error { best = (logits, error) }
      // At last steps change nothing but roundings.
      if best.error <= 1e-13 || stalled > (best.error < 1e-9 ? 1 : 12) { break }
      let step: [Double]
      if target.count <= Self.mostDense {
        if factors == nil || !shrinks {
          let logProbabilities = zip(target, residual).map { $0 - $1 }
          factors = Elimination(
            of: model.jacobian(at: logits, logProbabilities, without: likeliest), holding: likeliest,
            count: target.count)
        }
        step = factors?.solve(residual) ?? residual
      } else {
        // Before the last steps no more digits than the step itself is good for.
        let tolerance = Swift.max(1e-8, Swift.min(1e-2, 0.1 * error))
        step = longStep(residual, at: logits, tolerance: tolerance)
      }
      logits = moved(logits, by: step)
    }
    return best.logits
  }

  /// μ_i = −s_i·F⁻¹(1 − 0.6·q_i): the noise of class i brings it above 0 with about its probability.
  private func start() -> [Double] {
    let law = StandardizedNoise(model.argmax.noise).standard
    guard let law = law as? any AccurateNoise else { return target }
    var result = target.indices.map { index in
      0 - model.noise(law.upperQuantile(at: 0.6 * exponential(target[index])), of: index)
    }
    for index in result.indices where upper[index] == lower[index] { place(index, in: &result, under: law) }
    return result
  }

  /// Moves a class without noise to where it has its probability beside the others: that is ∏ F, which rises with its logit.
  ///
  /// Where noise is bounded below Newton's steps would not get there from far above.
  private func place(_ still: Int, in logits: inout [Double], under law: any AccurateNoise) {
    var (low, high) = (floor(of: logits, without: still), logits[still])
    guard low > -.infinity else { return }
    for _ in 0..<60 {
      logits[still] = 0.5 * (low + high)
      let value = logits.indices.reduce(0.0) { sum, index in
        if index == still { return sum }
        return sum + law.logCumulative(at: model.point(logits[still] - logits[index], of: index))
      }
      if value < target[still] { low = logits[still] } else { high = logits[still] }
    }
    logits[still] = high
  }

  private func residual(at logits: [Double]) -> [Double] {
    let found = model.logProbabilities(at: logits)
    return target.indices.map { target[$0] - found[$0] }
  }

  /// A step, held back where a class could no longer win: where all of its noise would be below all of another's.
  private func moved(_ logits: [Double], by step: [Double]) -> [Double] {
    let largest = step.reduce(0) { Swift.max($0, $1.magnitude) }
    let factor = largest > 64 ? 64 / largest : 1
    var result = zip(logits, step).map { $0 + factor * $1 }
    func holdBack(_ index: Int, _ before: Double, _ after: Double) {
      guard after > -.infinity else { return }
      let reach = Swift.max(logits[index] + upper[index] - before, 0x1p-52 * (upper[index] - lower[index]))
      result[index] = Swift.max(result[index], after - upper[index] + reach / 8)
    }
    // A class without noise stands on what it is itself: there the others count. They reach for what it comes to.
    for index in result.indices where upper[index] == lower[index] {
      holdBack(index, floor(of: logits, without: index), floor(of: result, without: index))
    }
    let (before, after) = (floor(of: logits), floor(of: result))
    for index in result.indices where upper[index] < .infinity && upper[index] > lower[index] {
      holdBack(index, before, after)
    }
    return result
  }

  /// Below this point no perturbed logit is the largest, whatever that of one class may be.
  private func floor(of logits: [Double], without index: Int? = nil) -> Double {
    logits.indices.reduce(-.infinity) { $1 == index ? $0 : Swift.max($0, logits[$1] + lower[$1]) }
  }

  // MARK: - Long rows

  /// Newton's step, J step/p = residual, each row divided by its diagonal: so rare classes weigh as much as others.
  private func longStep(_ residual: [Double], at logits: [Double], tolerance: Double) -> [Double] {
    let values = zip(target, residual).map { $0 - $1 }
    let p = values.map { exponential($0) }
    let diagonal = diagonal(at: logits)
    // Of so rare a class Newton's step says little while log p is far from its target.
    let most = 1e-6 / Double(p.count)
    let isFar = p.indices.map { p[$0] < most && residual[$0].magnitude > 1 }
    // J·step sums to 0.
    let mean = zip(p, residual).reduce(0) { $0 + $1.0 * $1.1 }
    var step = minimalResidual(
      p.indices.map { isFar[$0] ? 0 : p[$0] / diagonal[$0] * (residual[$0] - mean) }, tolerance
    ) { direction in
      let image = model.pullback(at: logits, of: direction)
      return image.indices.map { isFar[$0] ? 0 : image[$0] / diagonal[$0] }
    }
    // A common shift moves nothing, but the near classes away from the far ones.
    let shift = step[likeliest]
    for index in step.indices where !isFar[index] { step[index] -= shift }
    if isFar.contains(true) { moveFarClasses(isFar, from: values, by: &step, at: logits) }
    return step
  }

  /// Classes far from their targets take Newton's step on their own log p, which is concave: from below it never goes too far.
  private func moveFarClasses(
    _ isFar: [Bool], from values: [Double], by step: inout [Double], at logits: [Double]
  ) {
    // With v = √p nothing of the slope of one comes from others, be they rarer or not; where that would underflow, a lesser power.
    let power = Swift.min(0.5, 600 / -(values.min() ?? -1))
    let weights = values.indices.map { isFar[$0] ? exponential(power * values[$0]) : 0 }
    let slopes = model.logPullbacks(at: logits, of: weights)
    for index in step.indices where isFar[index] && slopes[index] > 0 {
      step[index] = (target[index] - values[index]) * weights[index] / slopes[index]
    }
  }

  /// About J_ii, within a factor of 2: what moves to a class from the other half and from the likeliest one.
  private func diagonal(at logits: [Double]) -> [Double] {
    func image(_ isIn: (Int) -> Bool) -> [Double] {
      model.pullback(at: logits, of: logits.indices.map { isIn($0) ? 1 : 0 })
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

/// The x with A x = b for which no combination of b, A b, A² b, … has a smaller residual (GMRES).
private func minimalResidual(
  _ b: [Double], _ tolerance: Double, _ image: ([Double]) -> [Double]
) -> [Double] {
  func product(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
  let length = product(b, b).squareRoot()
  guard length > 0, length.isFinite else { return b.map { _ in 0 } }
  var basis = [b.map { $0 / length }]
  // The columns of A in the basis, turned into a triangle by rotations, and what these make of b.
  var (columns, rotations, rest): ([[Double]], [(cosine: Double, sine: Double)], [Double]) = (
    [], [], [length]
  )
  while columns.count < 40, (rest.last ?? 0).magnitude > tolerance * length {
    var next = image(basis[columns.count])
    var column: [Double] = []
    for vector in basis {
      column.append(product(vector, next))
      for index in next.indices { next[index] -= column[column.count - 1] * vector[index] }
    }
    let size = product(next, next).squareRoot()
    for (index, rotation) in rotations.enumerated() {
      let (upper, lower) = (column[index], column[index + 1])
      column[index] = rotation.cosine * upper + rotation.sine * lower
      column[index + 1] = rotation.cosine * lower - rotation.sine * upper
    }
    let radius = (column[columns.count] * column[columns.count] + size * size).squareRoot()
    guard radius > 0 else { break }
    let rotation = (cosine: column[columns.count] / radius, sine: size / radius)
    column[columns.count] = radius
    rest.append(-rotation.sine * rest[columns.count])
    rest[columns.count] *= rotation.cosine
    rotations.append(rotation)
    columns.append(column)
    guard size > 0 else { break }
    basis.append(next.map { $0 / size })
  }
  var result = b.map { _ in 0.0 }
  for line in columns.indices.reversed() {
    rest[line] /= columns[line][line]
    for above in 0..<line { rest[above] -= columns[line][above] * rest[line] }
    for index in result.indices { result[index] += rest[line] * basis[line][index] }
  }
  return result
}

/// The Jacobian of the log-probabilities without the row and the column of one class, in triangular factors.
private struct Elimination {
  private let held: Int
  private let size: Int
  private var matrix: [Double]

  /// - Parameters:
  ///   - jacobian: its rows, without that of the class that is held.
  ///   - held: that class.
  ///   - n: how many classes there are.
  init(of jacobian: [Double], holding held: Int, count n: Int) {
    (self.held, size) = (held, n - 1)
    matrix = []
    matrix.reserveCapacity(size * size)
    for line in 0..<size {
      for column in 0..<n where column != held { matrix.append(jacobian[line * n + column]) }
    }
    let size = size
    matrix.withUnsafeMutableBufferPointer { matrix in
      for pivot in 0..<size {
        let row = pivot * size
        for line in pivot + 1..<Swift.max(size, pivot + 1) {
          let start = line * size
          let factor = matrix[start + pivot] / matrix[row + pivot]
          matrix[start + pivot] = factor
          if factor == 0 { continue }
          for column in pivot + 1..<size { matrix[start + column] -= factor * matrix[row + column] }
        }
      }
    }
  }

  func solve(_ values: [Double]) -> [Double] {
    var x = values.indices.filter { $0 != held }.map { values[$0] }
    matrix.withUnsafeBufferPointer { matrix in
      x.withUnsafeMutableBufferPointer { x in
        for line in 0..<size {
          for column in 0..<line { x[line] -= matrix[line * size + column] * x[column] }
        }
        for line in (0..<size).reversed() {
          for column in line + 1..<Swift.max(size, line + 1) {
            x[line] -= matrix[line * size + column] * x[column]
          }
          x[line] /= matrix[line * size + line]
        }
      }
    }
    x.insert(0, at: held)
    return x
  }
}
