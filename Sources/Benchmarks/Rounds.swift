/// Whoever can be timed: this library on one case, or a peer.
protocol Contender: AnyObject {
  var name: String { get }
  /// Works for about that many seconds, at least one call; nil where it cannot.
  func sample(lasting seconds: Double) -> Sample?
}

/// What one round of a contender showed.
struct Sample {
  let nanosecondsPerRow: Double
  /// How many rows a call has.
  let rows: Int
}

/// What a contender took.
struct Timing: Sendable {
  /// The median over the rounds, in nanoseconds.
  let perRow: Double
  let fastestPerRow: Double
  let rounds: Int
}

/// Interleaved rounds: every contender in turn, again and again, so that whatever else the machine does meanwhile
/// falls upon all of them, and the median of each forgets it.
struct Rounds {
  /// How long a contender works in one round, in seconds.
  var length = 0.015
  var most = 7
  /// How long a contender may work in all rounds together; what takes longer for one row is measured once.
  var budget = 0.2

  /// - Returns: the timings in the order of the contenders, nil for those that could not.
  func measure(_ contenders: [any Contender], progress: (String) -> Void) -> [Timing?] {
    var samples = [[Double]](repeating: [], count: contenders.count)
    let rounds = contenders.enumerated().map { index, contender in
      progress("warming up \(index + 1) of \(contenders.count): \(contender.name)")
      return warmUp(contender, &samples[index])
    }
    for round in 0..<(rounds.max() ?? 0) {
      for (index, contender) in contenders.enumerated() where round < rounds[index] {
        progress("round \(round + 1) of \(most): \(contender.name)")
        if let sample = contender.sample(lasting: length) {
          samples[index].append(sample.nanosecondsPerRow)
        }
      }
    }
    return samples.map { samples in
      guard let perRow = median(of: samples), let fastest = samples.min() else { return nil }
      return Timing(perRow: perRow, fastestPerRow: fastest, rounds: samples.count)
    }
  }

  /// One call, whose time counts only if there is none to spare for another.
  ///
  /// - Returns: how many rounds are to follow.
  private func warmUp(_ contender: any Contender, _ samples: inout [Double]) -> Int {
    guard let sample = contender.sample(lasting: 0) else { return 0 }
    let seconds = sample.nanosecondsPerRow * Double(sample.rows) / 1e9
    if seconds > budget {
      samples.append(sample.nanosecondsPerRow)
      return 0
    }
    return max(1, min(most, Int(budget / max(seconds, length))))
  }
}

func secondsTaken(by work: () -> Void) -> Double {
  SuspendingClock().measure(work) / .seconds(1)
}

/// The middle value, or the mean of the two middle ones; nil if there is none.
package func median(of values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
