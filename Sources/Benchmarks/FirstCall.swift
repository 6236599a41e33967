import Noisemax

/// What the first row under a law costs beyond any other: the tables of the law are made then, once for the life of
/// the process.
struct FirstCall {
  let law: String
  let seconds: Double

  /// - Precondition: nothing in this process has used the law's exact method so far.
  init(of law: ShippedLaw) {
    self.law = law.name
    var sum = 0.0
    seconds = secondsTaken {
      sum = NoisyArgmax(law).probabilities(for: [2.0, 1.0, 0.5]).reduce(0, +)
    }
    precondition(abs(sum - 1) < 1e-12, "the probabilities under \(law.name) noise sum to \(sum)")
  }
}
