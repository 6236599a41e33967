/// A random index with given probabilities, drawn by the cumulative sum.
///
/// ```swift
/// let die = Categorical([0.5, 0.25, 0.25])
/// let index = die.randomIndex(using: &generator)
/// ```
///
/// The probabilities need not sum to one: each counts relative to their sum. A class of probability 0 is not in the
/// sum at all and is never drawn. The sum runs from the rarest class to the likeliest, and the draw has full
/// resolution near 0: a class of 1e-30 comes at its rate, where a sum in the order of the classes would have
/// rounded it away.
///
/// To draw one index from *logits*, perturb them instead (`NoisyArgmax.randomIndex(for:)`): that needs
/// no probabilities. To draw many from one row under an exact law, this is the faster way.
public struct Categorical: Sendable {
  /// The classes with a probability above 0, the rarest first.
  private let classes: [Int]
  /// The sum of the probabilities up to each of them.
  private let sums: [Double]

  /// The distribution with these probabilities.
  ///
  /// Cost: sorts the classes once.
  ///
  /// - Precondition: no probability is negative, infinite or NaN, and their sum is finite.
  public init<Scalar: LogitScalar>(_ probabilities: [Scalar]) {
    self = probabilities.withUnsafeBufferPointer { Categorical(of: $0) }
  }

  private init<Scalar: LogitScalar>(of probabilities: UnsafeBufferPointer<Scalar>) {
    var open: [(probability: Double, index: Int)] = []
    for index in probabilities.indices {
      let probability = Double(probabilities[index])
      require(
        probability >= 0 && probability < .infinity,
        "a probability is finite and not negative: class \(index) has \(probability)")
      if probability > 0 { open.append((probability, index)) }
    }
    open.sort { $0 < $1 }
    var sum = CompensatedSum()
    sums = open.map {
      sum.add($0.probability)
      return sum.value
    }
    classes = open.map(\.index)
    require(sums.last ?? 0 < .infinity, "the sum of the probabilities is \(sums.last ?? 0)")
  }

  /// A random index, or nil where no class has a probability above 0.
  ///
  /// Cost: one draw and a binary search.
  public func randomIndex(using generator: inout some RandomNumberGenerator) -> Int? {
    guard let total = sums.last else { return nil }
    let target = TailDraw(using: &generator).value * total
    // The first class whose sum is above the target. Rounding may put the target at the total: then the last.
    return classes[(0..<sums.count - 1).firstPlace { sums[$0] > target }]
  }

  /// A random index by the system's generator, or nil where no class has a probability above 0.
  public func randomIndex() -> Int? {
    var generator = SystemGenerator()
    return randomIndex(using: &generator)
  }

  /// Independent random indices: empty where no class has a probability above 0.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices(count: Int, using generator: inout some RandomNumberGenerator) -> [Int] {
    require(count >= 0, "the number of draws is not negative, not \(count)")
    return classes.isEmpty ? [] : (0..<count).compactMap { _ in randomIndex(using: &generator) }
  }
}
