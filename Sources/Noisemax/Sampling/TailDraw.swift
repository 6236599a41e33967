/// A uniform draw from the open interval (0, 1), given by its distance from the nearer end.
///
/// `tail` is in 2⁻¹⁰²²…½, the ½ excluded, and has 53 significant bits wherever it lies: it is as fine near 1 as near 0,
/// which a single Double in (0, 1) cannot be. A noise of 1-in-10²⁰ has its right rate and its right digits in both
/// tails.
///
/// Method: of a word, one bit chooses the end, 52 are the significand, and the exponent is the number of zeros
/// before the first one in the 11 bits left and, with probability 2⁻¹¹, in further words. Every generator ends: below
/// 2⁻¹⁰²², where at most 16 words of nothing but zeros are read, the draw stays there.
struct TailDraw {
  /// The distance from the nearer end, above 0 and below ½.
  let tail: Double
  /// Whether that end is 1 rather than 0.
  let isUpper: Bool

  @inline(__always)
  init(using generator: inout some RandomNumberGenerator) {
    let word = generator.next()
    isUpper = word >> 63 == 1
    let significand = word & (1 << 52 - 1)
    let exponentBits = (word << 1) >> 53
    // ¼…½ has half of the probability of a tail, the interval below it a quarter, and so on.
    var exponent = 1021 as UInt64
    if exponentBits != 0 {
      exponent -= UInt64(exponentBits.leadingZeroBitCount - 53)
    } else {
      exponent -= 11
      var zeros: UInt64
      repeat {
        zeros = UInt64(generator.next().leadingZeroBitCount)
        exponent = exponent > zeros ? exponent - zeros : 1
      } while zeros == 64 && exponent > 1
    }
    tail = Double(bitPattern: exponent << 52 | significand)
  }

  /// The draw as one Double, strictly inside (0, 1): within 2⁻⁵³ of the upper end its resolution is lost.
  @inline(__always)
  var value: Double { isUpper ? Double.minimum(1 - tail, 1 - 0x1p-53) : tail }
}
