/// What runs for a row: every threshold between methods, with its reason.
///
/// First the law decides. It names the ``RowMethod`` of all its rows, in ``ExactNoise/exactMethod``:
///
/// | law | method |
/// |---|---|
/// | Gumbel | ``Softmax`` |
/// | smooth: Normal, Logistic, ReversedGumbel, your own | ``Lattice`` |
/// | Exponential, Laplace | ``TailMoments`` |
/// | Uniform | ``UniformMoments`` |
/// | your own, with kinks | ``Panels``: few classes by ``PanelProducts``, others by ``PanelGrid`` |
/// | any, if a number of points is given | ``QuantileMethod`` |
///
/// Then the row decides. Under a smooth law the first of these that serves it; the first three only if the density is
/// log-concave:
///
/// 1. Two classes, for probabilities and gradients, unless the gap is very large: ``PairTable``. Asked in
///    `NoisyArgmax+Rows.swift` and `NoisyArgmax+Pullback.swift`.
/// 2. Few classes, none far behind the leader, and no excess wanted: ``DirectSums``. Asked in ``Lattice``; decided by the
///    limits in its `DirectTable`, in `DirectLoops.swift`.
/// 3. Classes so far behind that only an exponential tail of their noise can win are folded into one (``ExponentialTail``), and the
///    row goes on.
/// 4. All others: ``LatticePass``. Each class counts by its shares of the grid points; of very many, the parts of cells do
///    (``CellGrids`` decides).
/// 5. Besides, log-probabilities of deep classes: ``DeepClasses``, where many are dense by ``DeepLogarithms``. A class is deep if
///    its gap is below the samples of the law (`LatticeTable.logDepth`), its integrand too sharp for the finest step
///    (`LatticePass.resolvedDepth`), or its probability below 1e-300 in a row that is too wide (`Lattice.isTooWide`).
///
/// So under Normal noise the probabilities of ten Float classes go by ``DirectSums``, those of sixty by ``LatticePass``, those
/// of a thousand by cells. A Fenchel–Young loss wants the excess: with it ten classes go by ``LatticePass``.
///
/// Exponential or Laplace noise: the few near classes one by one, all others by sums of powers. Uniform noise: few classes
/// by products of F between kinks (``UniformProducts``), all others by sums that are moved on from kink to kink.
///
/// The quantile rule: class by class, or under a smooth law ``QuantileGrid``, under Uniform, Exponential and Laplace noise
/// ``QuantileStretches``, where that is estimated to take less time. Class by class a law of your own goes by ``QuantileRule``,
/// as it is written, the others by ``QuantileVectors``, with the loops that have F and f of classes with own scales. Those are
/// for rows of some seven classes and fewer. With 100 points, in µs as it is written and as it runs:
///
/// | classes | Laplace | with the gradient | Normal | with the gradient |
/// |---|---|---|---|---|
/// | 2 | 2.5, 1.2 | 10, 1.9 | 16, 1.8 | 53, 2.8 |
/// | 4 | 12, 3.1 | 42, 4.6 | 91, 5.5 | 240, 7.7 |
/// | 10 | 88, 8.1 by stretches | 270, 16 | 670, 7.8 on the grid | 1,600, 29 |
/// | 100 | 9,700, 83 | 52,000, 175 | 146,000, 9.5 | 197,000, 32 |
/// | 1,000 | 310 | 430 | 26 | 61 |
///
/// Times are those of one thread with AVX-512, where both ways were run in turns.
enum Policy {
  // MARK: smooth laws

  /// The most classes times nodes for direct sums. Their time is proportional to this product; that of the lattice begins
  /// with some fifty grid points.
  ///
  /// Normal noise, in µs, by direct sums and on the lattice:
  ///
  /// | classes | Double | Float | Double, with the gradient |
  /// |---|---|---|---|
  /// | 8 | 0.7, 1.2 | 0.27, 0.9 | |
  /// | 16 | 1.4, 1.4 | 0.5, 0.9 | 1.7, 2.8 |
  /// | 32 | 2.8, 1.8 | | 3.4, 3.7 |
  /// | 64 | | 1.5, 1.3 | 11, 4.3 |
  static func mostDirectEvaluations(_ precision: Precision, pairs: Bool) -> Int {
    switch precision {
    case .double: pairs ? 2100 : 1300
    case .single: pairs ? 2600 : 1600
    }
  }

  /// The longest row that direct sums look through as it is, masked classes included. In a longer one the few open classes
  /// are computed as a row of their own.
  static let longestRowLookedThrough = 4096

  /// From so many classes on, Float rows go by whole cells, with four coefficients each. 300 classes: 3.3 µs, by shares 3.1;
  /// 1,000: 5.5 and 7.2.
  static let fewestFloatsByCells = 400

  /// From so many classes a cell on, Double rows go by sixteen parts of every cell. The parts of a cell cost as much as some
  /// hundred classes. Normal rows of 2,000 classes take 19 µs either way.
  static let fewestDoublesByParts = 32

  /// The most classes whose shares of the grid points are kept from deposit to evaluation, 128 bytes each. 1,000 classes:
  /// 9.9 µs, without 11.5. More than this would not fit in the near caches.
  static let mostClassesWithKeptShares = 4096

  /// The most grid points times nodes, for each class, of a pass for log-probabilities below 1e-300. In wider rows these come by
  /// ``DeepClasses``. 1,000 ReversedGumbel classes in steps of one: 160 ms by the pass, 1.0 without; 1,000 Logistic classes in
  /// steps of 0.16 from −600 on 4.8 and 1.1.
  static let mostDeepProducts = 2e4

  /// Up to so many classes the errors of log F on the pieces of ``TailSums`` may be 2e-13 each, of more 1e-14: crowds have all of
  /// theirs at one place, and log p may be as little as −690. 1,000 ReversedGumbel classes in steps of one have their gradient
  /// in 6 ms, with shorter pieces in 11.
  static let mostClassesOnLongPieces = 4096

  // MARK: laws with kinks

  /// Up to so many open classes under a law with exponential tails all count as near, and go one by one. 48 Exponential
  /// classes take 0.63 µs, and about the same with far ones among them.
  static let mostNearOnly = 48

  /// The most different logits for products class by class, which take n² time. Uniform noise, in µs, by products and by sums
  /// from kink to kink:
  ///
  /// | logits | probabilities | derivatives |
  /// |---|---|---|
  /// | 64 | 10, 10–11 | 14, 24–28 |
  /// | 80 | 15, 9–14 | |
  /// | 100 | | 33, 23–39 |
  /// | 1,000 | 1,770, 80–140 | |
  static let mostProducts = 80

  /// The most factors of any such product, ties counted one by one: their roundings add up.
  static let mostFactors = 1000

  /// The most different logits, under a law of your own with kinks, for ``PanelProducts``, which take n² time times the number
  /// of breaks. They have F and f of every class at every node, once; the grid judges its panels by logarithms first, and sums
  /// by a tree over classes, without which 1,000 take seven times as long. Triangular noise, in µs, by products and on the grid:
  ///
  /// | classes | probabilities | gradient |
  /// |---|---|---|
  /// | 10 | 27, 135 | 34, 250 |
  /// | 100 | 1,300, 5,600 | 2,900, 12,000 |
  /// | 1,000 | 97,000, 140,000 | 180,000, 310,000 |
  ///
  /// The grid is left with longer rows, classes further behind, their log-probabilities, and the excess.
  static let mostPanelProducts = 1000

  /// How many deviations the last class may be behind for products. Their panels are at most four wide, whatever lies between.
  static let farthestPanelProduct = 32.0

  // A forward pass keeps nothing for the pullback that follows, but the p of softmax. With its sums, some 2 kB a row, both would
  // take a tenth to a fifth less, and p would not be that of the forward pass alone to the last bit.

  // MARK: batches

  /// The least work that is shared between threads. Waking one takes some microseconds. From 50 µs of work on, two threads
  /// took less time than one.
  static let leastSecondsForThreads = 1e-4
}
