import Noisemax

extension NoisyArgmax {
  /// The transform under a shipped law.
  init(_ law: ShippedLaw, method: Method = .exact) {
    let noise = law.noise
    self.init(noise, method: method)
  }
}
