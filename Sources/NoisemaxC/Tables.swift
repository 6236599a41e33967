// What laws measure of themselves before their first row, and the lock that keeps a fork from coming in between.

import Noisemax

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// Which laws have been used. A child of a process that forked while another thread made a law's tables would wait for
/// them for ever; so all of them are made with the first transform, under a lock that the forking thread can hold.
final class Tables: @unchecked Sendable {
  static let shared = Tables()

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var laws: Set<String> = []

  private init() { pthread_mutex_init(mutex, nil) }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }

  /// Makes a transform under the lock, and whatever rows under its law may need.
  func making(
    of noise: any ExactNoise, named name: String, _ transform: () -> NoisyArgmax
  ) -> NoisyArgmax {
    lock()
    defer { unlock() }
    if laws.insert(name).inserted {
      let argmax = NoisyArgmax(noise)
      use(argmax, in: Float.self)
      use(argmax, in: Double.self)
    }
    return transform()
  }

  /// Asks a transform for every quantity of rows that need every table: those of two classes, of few, of many, and far tails.
  private func use<Scalar: LogitScalar>(_ argmax: NoisyArgmax, in type: Scalar.Type) {
    var generator = StreamGenerator(seed: 0)
    for length in [2, 3, 40, 200] {
      for depth: Scalar in [1, 400] {
        let row = (0..<length).map { -depth * Scalar($0) / Scalar(length - 1) }
        let rows = Rows(row + row, length: length)
        _ = argmax.probabilities(for: rows)
        _ = argmax.logProbabilities(for: rows)
        _ = argmax.pullback(for: rows, of: rows)
        _ = argmax.logProbabilitiesPullback(for: rows, of: rows)
        _ = argmax.scalePullback(for: rows, of: rows)
        for summary in Summary.allCases { _ = argmax.valueWithGradient(of: summary, for: rows) }
        for loss in Loss.allCases { _ = argmax.lossWithGradient(for: row, target: length - 1, as: loss) }
        _ = argmax.randomIndex(for: row, using: &generator)
        _ = argmax.relaxedSample(for: row, temperature: 1, using: &generator).pullback(of: row)
      }
    }
  }
}
