internal import NoiseKernels

/// ∫ G r_i r_j dx for every pair i < j of classes with noise, one after the other: −∂p_i/∂μ_j.
///
/// All values at once, where one derivative after the other would integrate the row again for each.
struct Meetings: PanelIntegrand {
  let classCount: Int
  /// The least probability of a class.
  let rarest: Double?
  private let reversedHazards: UnsafeMutablePointer<Lanes>

  static func count(of classes: Int) -> Int { classes * (classes - 1) / 2 }

  static func memory(for count: Int) -> Int { Lanes.scalarCount * count }

  init(of classes: ScaledClasses, rarest: Double, memory: inout Pieces) {
    classCount = classes.noisy
    self.rarest = rarest
    reversedHazards = memory.takeLanes(classes.noisy)
  }

  var count: Int { Self.count(of: classCount) }
  var judged: Int { count }
  var usesNoise: Bool { false }
  var usesSurvival: Bool { false }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    kernels.meetingTerms(
      cumulative: doubles(classes.cumulative), density: doubles(classes.density), count: classes.count,
      noisy: classCount, reversedHazards: doubles(reversedHazards), to: doubles(values))
  }
}

extension ScaledRow {
  /// Writes −∂p_i/∂μ_j for every pair i < j of classes, row by row, with some three digits: all classes are open and have noise.
  ///
  /// - Parameters:
  ///   - result: room for n·(n − 1)/2 numbers.
  ///   - rarest: about the least probability.
  ///   - scratch: memory.
  func writeMeetings(to result: UnsafeMutablePointer<Double>, rarest: Double, scratch: inout Scratch) {
    let count = Meetings.count(of: noisy)
    var memory = Pieces(
      of: scratch.reserve(
        ScaledClasses.memory(for: taking) + ClassIntegrals.memory(forValues: count, of: taking, under: law)
          + Meetings.memory(for: noisy)))
    let classes = classes(memory: &memory)
    let meetings = Meetings(of: classes, rarest: rarest, memory: &memory)
    let integrals = ClassIntegrals(of: classes, values: count, limits: .rough, memory: &memory)
    integrals.integrate(meetings)
    for pair in 0..<count { result[pair] = integrals.sums[pair] * factor }
  }
}
