import Noisemax

// The sums that estimators keep instead of their draws: one pass, each draw forgotten once it has been added, nothing
// subtracted that is large against its difference (Welford; for products, Pébay).

/// The mean of a stream of vectors, and its standard error.
struct RunningMoments {
  private var count = 0
  private var mean: [Double]
  /// Σ (x − mean)².
  private var squares: [Double]

  init(size: Int) {
    mean = [Double](repeating: 0, count: size)
    squares = mean
  }

  /// Adds a vector, multiplied by a factor.
  mutating func add(_ vector: [Double], times factor: Double = 1) {
    count += 1
    let share = 1 / Double(count)
    for index in mean.indices {
      let offset = factor * vector[index] - mean[index]
      mean[index] += offset * share
      squares[index] += offset * offset * (1 - share)
    }
  }

  /// The mean, with the standard deviation of the vectors over √count for its error.
  var estimate: GradientEstimate {
    let pairs = Double(count) * Double(count - 1)
    return GradientEstimate(
      value: mean, standardError: squares.map { ($0 / pairs).squareRoot() }, draws: count)
  }
}

/// The sample covariance of a stream of numbers x with each component y of a stream of vectors, and its standard
/// error.
struct RunningCovariance {
  private var count = 0
  /// The mean of x, and Σ (x − mean)².
  private var mean = 0.0
  private var square = 0.0
  private var components: [Component]

  /// The mean of y, and the sums of the products of powers of both deviations: `m12` is Σ dx·dy².
  private struct Component {
    var mean = 0.0
    var m11 = 0.0
    var m02 = 0.0
    var m21 = 0.0
    var m12 = 0.0
    var m22 = 0.0
  }

  init(size: Int) { components = [Component](repeating: Component(), count: size) }

  mutating func add(_ x: Double, _ vector: [Double]) {
    let before = Double(count)
    count += 1
    // How far both means move; the deviation of the new pair is `before` times that.
    let a = (x - mean) / Double(count)
    for index in components.indices {
      var y = components[index]
      let b = (vector[index] - y.mean) / Double(count)
      // Σ (dx − a)ᵖ(dy − b)^q over the pairs before, expanded, and the term of the new pair.
      y.m22 +=
        a * a * y.m02 + b * b * square + 4 * a * b * y.m11 - 2 * a * y.m12 - 2 * b * y.m21
        + before * (1 + before * before * before) * a * a * b * b
      let cube = before * (before * before - 1)
      y.m21 += cube * a * a * b - b * square - 2 * a * y.m11
      y.m12 += cube * a * b * b - a * y.m02 - 2 * b * y.m11
      y.m11 += before * (1 + before) * a * b
      y.m02 += before * (1 + before) * b * b
      y.mean += b
      components[index] = y
    }
    square += before * (1 + before) * a * a
    mean += a
  }

  /// Σ dx·dy/(n − 1), and the square root of an estimate of its variance
  ///
  ///     κ22/n + (κ20·κ02 + κ11²)/(n − 1)
  ///
  /// in the joint cumulants κ of x and y. The estimate has no bias: k22 is the k-statistic (Kendall and Stuart, ch. 13),
  /// and the mean of k20·k02 is κ20·κ02 + κ22/n + 2κ11²/(n − 1), that of k11² the variance above plus κ11². Only where it
  /// is below (κ20·κ02 + κ11²)/(n(n − 1)), the least that any law leaves, that is taken.
  var estimate: GradientEstimate {
    let n = Double(count)
    let squareX = square / (n - 1)
    return GradientEstimate(
      value: components.map { $0.m11 / (n - 1) },
      standardError: components.map { y in
        let k22 =
          n / ((n - 1) * (n - 2) * (n - 3))
          * ((n + 1) * y.m22 - (n - 1) / n * (square * y.m02 + 2 * y.m11 * y.m11))
        let squares = squareX * y.m02 / (n - 1)
        let product = y.m11 / (n - 1) * (y.m11 / (n - 1))
        // Two linear equations for κ20·κ02 and κ11².
        let excess = k22 / n
        let cumulantProduct =
          (product - excess - (squares - excess) / (n - 1)) / (n / (n - 1) - 2 / ((n - 1) * (n - 1)))
        let cumulantSquares = squares - excess - 2 * cumulantProduct / (n - 1)
        let variance = excess + (cumulantSquares + cumulantProduct) / (n - 1)
        return Double.maximum(variance, (squares + product) / (n * (n - 1))).squareRoot()
      },
      draws: count)
  }
}
