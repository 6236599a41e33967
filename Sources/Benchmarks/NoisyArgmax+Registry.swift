import Noisemax

extension NoisyArgmax {
  /// The transform under a law of the registry.
  init(_ law: NoiseRegistry.Entry, method: Method = .exact) {
    func transform(_ noise: some ExactNoise) -> NoisyArgmax { NoisyArgmax(noise, method: method) }
    self = transform(law.noise)
  }
}
