internal import NoiseKernels

/// The classes of a row under a law with an exponential tail, near and far.
struct TailClasses {
  let form: TailForm
  let count: Int
  let gaps: UnsafeMutablePointer<Double>
  /// c of every class, with the place where x is `origin` as t = 1; 0 for a lone leader.
  let tails: UnsafeMutablePointer<Double>
  /// How far below the leader t is 1: 0, but where a lone leader is so far ahead that nothing changes on the way to
  /// the others.
  private(set) var origin = 0.0
  /// The first class with gap 0, and how many there are.
  let leader, leaders: Int
  /// Whether more than one class can win.
  let canLose: Bool
  /// How many tails are above 0, and whether there are classes with a gap and none: so deep that only their logarithms are
  /// numbers.
  let open: Int
  let hasDeep: Bool
  /// Σ c.
  let sum: Double

  /// The near classes: where they stand in the row, their c, the slopes of their F, and memory for a cotangent and for the
  /// sums over the nodes. Under a law with kinks in falling order of c.
  let near: UnsafeMutablePointer<Int>
  let nearTails, nearSlopes, nearCotangents, nearSums, otherSums: UnsafeMutablePointer<Double>
  /// Before which block of nodes a class passes: from there on its ψ is 1/(c·t).
  let nearEnds: UnsafeMutablePointer<Int>
  private(set) var nearCount = 0

  /// A far class counts by powers of q = factor·c.
  private(set) var factor = 1.0
  /// Up to this c classes are far.
  private(set) var limit = 0.0
  /// Σ qᵏ for k = 1…12 over the far classes, and twelve numbers for each of what is made of them.
  let powerSums, logarithms, reversedHazards, integralSeries, otherSeries: UnsafeMutablePointer<Double>
  /// For logarithms: p·e^−gap of every class, and the logarithm of that.
  let values, logarithmsOfValues: UnsafeMutablePointer<Double>

  /// The last node is at t = `end` at most, which is that far below the place where t is 1.
  private(set) var end = 1.0, endDepth = 0.0

  var isLone: Bool { origin > 0 }
  var farSum: Double { powerSums[0] / factor }
  var perFactor: Double { hasFar ? 1 / factor : 0 }
  /// Whether there are far classes at all.
  var hasFar: Bool { limit > 0 }
  /// The coefficients of −log ∏ F of the far classes.
  var logarithmSeries: UnsafePointer<Double>? { hasFar ? UnsafePointer(logarithms) : nil }

  /// How far a lone leader is ahead at least.
  private static var loneGap: Double { 68 }

  /// More than this no row has near classes.
  private static var mostNear: Int { 1024 }

  @inline(__always)
  init(
    of gaps: UnsafeMutablePointer<Double>, _ count: Int, under form: TailForm, precision: Precision,
    request: Request, scratch: inout Scratch
  ) {
    (self.form, self.count, self.gaps) = (form, count, gaps)
    // Where the gaps are not needed for anything else, the tails take their place.
    let isInPlace = !form.hasKinks && request.isDisjoint(with: [.logarithms, .pullback])
    let length = padded(count)
    let room = padded(Swift.min(count, Self.mostNear) + 8)
    let needsValues = request.contains(.logarithms)
    let needsReach = form.hasKinks && count > Policy.mostNearOnly
    var pieces = Pieces(
      of: scratch.reserve(
        (isInPlace ? 0 : length) + (needsValues ? 2 * length : 0) + 7 * room + 5 * 2 * tailTerms
          + (needsReach ? TailReach.memory : 0)))
    tails = isInPlace ? gaps : pieces.take(length)
    values = pieces.take(needsValues ? length : 0)
    logarithmsOfValues = pieces.take(needsValues ? length : 0)
    near = pieces.takeIntegers(room)
    nearTails = pieces.take(room)
    nearSlopes = pieces.take(room)
    nearCotangents = pieces.take(room)
    nearSums = pieces.take(room)
    otherSums = pieces.take(room)
    nearEnds = pieces.takeIntegers(room)
    powerSums = pieces.take(2 * tailTerms)
    logarithms = pieces.take(2 * tailTerms)
    reversedHazards = pieces.take(2 * tailTerms)
    integralSeries = pieces.take(2 * tailTerms)
    otherSeries = pieces.take(2 * tailTerms)
    let reachMemory = pieces.take(needsReach ? TailReach.memory : 0)

    leader = kernels.firstZero(of: gaps, count)
    var survey = kernels.tails(of: gaps, count, rise: 0, shift: form.shift, to: tails)
    leaders = survey.leaders
    canLose = leaders > 1 || survey.second > -.infinity
    var isLone = false
    if form.hasKinks && leaders == 1 && survey.second < -Self.loneGap && canLose {
      // From here up to the leader the others take next to nothing off log G. A whole number keeps the gaps as they are.
      origin = (-survey.second - 64).rounded(.down)
      survey = kernels.tails(of: gaps, count, rise: origin, shift: form.shift, to: tails)
      tails[leader] = 0
      survey.open -= 1
      isLone = true
    }
    // A lone leader has no tail, but is not deep.
    hasDeep = survey.finite > survey.open + (isLone ? 1 : 0)
    open = survey.open
    sum = survey.sumOfOthers + (isLone ? 0 : Double(leaders) * form.factor)
    guard canLose else { return }
    divide(precision, withPairs: request.contains(.pullback), memory: reachMemory)
    gatherNear()
  }

  /// Chooses where the nodes end, and up to which c classes are far.
  private mutating func divide(
    _ precision: Precision, withPairs: Bool, memory: UnsafeMutablePointer<Double>
  ) {
    let drop = precision == .single ? 26.0 : 44
    if open <= Policy.mostNearOnly {
      end = sum < drop ? (form.hasKinks ? .infinity : 1) : Swift.min(1, drop / sum)
    } else if !form.hasKinks || sum >= drop {
      end = Swift.min(1, drop / sum)
      (limit, factor) = (0.125 / end, 8 * end)
    } else {
      let reach = TailReach(
        of: tails, count, isLone: isLone, drop: drop + 2, withPairs: withPairs, most: Self.mostNear,
        in: memory)
      (end, limit, factor) = (reach.end, reach.limit, reach.factor)
    }
    endDepth = end < .infinity ? logarithm(end) : end
  }

  /// Lists the near classes, and sums up the far ones.
  private mutating func gatherNear() {
    if limit > 0 || count > 2 * Policy.mostNearOnly {
      nearCount = kernels.powerSums(of: tails, count, factor: factor, limit: limit, to: powerSums, near: near)
    } else {
      powerSums[0] = 0
      for index in 0..<count where tails[index] > 0 {
        near[nearCount] = index
        nearCount += 1
      }
    }
    if form.hasKinks { sortNear() }
    for k in 0..<nearCount {
      let tail = tails[near[k]]
      nearTails[k] = tail
      // F is 1 − c·t: where that cancels, as (1 − t) + t·slope.
      nearSlopes[k] = form.hasKinks ? -tail : 1 - tail
      nearEnds[k] = .max
    }
    for k in nearCount..<padded(nearCount) { (nearTails[k], nearSlopes[k]) = (0, 0) }
    guard hasFar else { return }
    let series = TailSeries.shared
    for k in 0..<tailTerms {
      logarithms[k] = series.logarithm[k] * powerSums[k]
      reversedHazards[k] = series.inverse[k] * powerSums[k] / factor
    }
  }

  /// Sorts the near classes by their gaps, the largest first (Shell's method: they are few).
  private func sortNear() {
    var step = 1
    while step < nearCount / 3 { step = 3 * step + 1 }
    while step > 0 {
      for k in Swift.min(step, nearCount)..<nearCount {
        let index = near[k]
        var slot = k
        while slot >= step && gaps[near[slot - step]] < gaps[index] {
          near[slot] = near[slot - step]
          slot -= step
        }
        near[slot] = index
      }
      step /= 3
    }
  }

  /// By how much the kink of a near class is below the place where t = 1.
  func kink(_ k: Int) -> Double { 0 - (gaps[near[k]] + origin) }

  /// Σ r/t of all classes at a place above all kinks, where a near F is constant + t·slope.
  func rate(at constant: Double, _ t: Double) -> Double {
    var far = 0.0
    if hasFar {
      let tau = t * perFactor
      for k in (0..<tailTerms).reversed() { far = far * tau + reversedHazards[k] }
    }
    return far + kernels.tailRate(at: constant, t, tails: nearTails, slopes: nearSlopes, nearCount)
  }
}
