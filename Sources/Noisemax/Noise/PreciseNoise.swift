/// A law whose quantiles are known to more digits than a Double holds, so that its table can be correctly rounded.
///
/// Every shipped law has this, and every table is made from it.
package protocol PreciseNoise: ExactNoise {
  /// F⁻¹(p) for p in 1e-5…1 − 1e-5, to 1e-25 · max(1, |F⁻¹(p)|): one formula, the same on every platform.
  func preciseQuantile(at p: DoubleDouble) -> DoubleDouble
}
