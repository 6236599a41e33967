/// What runs for a row: every threshold between methods, with its reason.
///
/// The law decides first. Gumbel noise has softmax, a smooth law the lattice, a law with kinks panels, any law the quantile
/// rule (see ``RowMethod``). Then, for a row of a smooth law:
///
/// 1. two classes: ``PairTable``, but for the rarest;
/// 2. few classes, none of them deep: ``DirectSums``;
/// 3. all others: ``LatticePass``, by the shares of every class, or of very many by parts of cells (``CellParts``);
/// 4. log-probabilities that no sum over the nodes holds: ``DeepClasses``.
///
/// So ten Float classes under Normal noise go by ``DirectSums``; sixty by ``LatticePass``; a thousand by cells.
///
/// For a row under Exponential or Laplace noise: the few near classes one by one, all others by sums of powers
/// (``TailMoments``). Under Uniform noise: products of F between kinks (``UniformProducts``) for few classes, and sums that are moved on from
/// kink to kink (``UniformMoments``) for all others. For the quantile rule: ``QuantileRule`` class by class, or under a smooth law ``QuantileGrid``
/// where that is estimated to take less time.
///
/// Times are those of one thread with AVX-512, where both ways were run in turns.
enum Policy {
  // MARK: smooth laws

  /// The most classes times nodes for direct sums, whose time is proportional to that, where the lattice begins with that
  /// of some fifty grid points.
  ///
  /// Eight Normal classes: 0.7 µs, on the lattice 1.2; sixteen: 1.4 and 1.4; 32: 2.8 and 1.8. Floats: 0.27 µs, 0.9; 0.5, 0.9;
  /// at 64 1.5 and 1.3. With the gradient 16: 1.7 and 2.8; 32: 3.4 and 3.7; 64: 11 and 4.3.
  static func mostDirectEvaluations(_ precision: Precision, pairs: Bool) -> Int {
    switch precision {
    case .double: pairs ? 2100 : 1300
    case .single: pairs ? 2600 : 1600
    }
  }

  /// A row with few open classes among more logits than this is computed without the others, so that it is looked through
  /// once.
  static let longestRowLookedThrough = 4096

  /// From so many classes on Floats go by cells with four coefficients: at 300 classes 3.3 µs, by shares 3.1; at 1,000 5.5
  /// and 7.2.
  static let fewestFloatsByCells = 400

  /// From so many classes for each cell on Doubles go by sixteen parts of cells, which cost as much as some hundred classes
  /// each: Normal rows of 2,000 classes take 19 µs either way.
  static let fewestDoublesByParts = 32

  /// The most classes that keep their shares in the grid points, 128 bytes each, for their evaluation. 1,000 classes: 9.9 µs,
  /// without 11.5; more than this would leave the near memory.
  static let mostClassesWithKeptShares = 4096

  // MARK: laws with kinks

  /// Up to so many open classes under a law with exponential tails are all near. 48 Exponential classes take 0.63 µs, one
  /// by one; with far ones among them about the same.
  static let mostNearOnly = 48

  /// The most different logits for products class by class, which take n² time. Under Uniform noise 64 take 10 µs and by sums
  /// 10 to 11, 80 take 15 and 9 to 14, 1,000 take 1,770 and 80 to 140; the derivatives of 64 take 14 and 24 to 28, of 100 33
  /// and 23 to 39.
  static let mostProducts = 80

  /// The most factors of a product: their roundings add up.
  static let mostFactors = 1000

  // MARK: batches

  /// The least work that is shared between threads. Waking one takes some microseconds, and it should save many: the work
  /// from which on two took less time than one was 50 µs.
  static let leastSecondsForThreads = 1e-4
}
