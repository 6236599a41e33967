#if VARIANT
  import NoiseKernels
#endif

// What F and r of laws have in common, eight numbers at a time.

/// Beyond this the exponential and its reciprocal are nothing to each other.
let largestExponent = 700.0

/// (|x| + 4)·(1 − Φ(|x|))·e^(x²/2), and 1/(|x| + 4).
@_transparent
func scaledTail(
  _ magnitude: Doubles, _ coefficients: UnsafePointer<Double>
) -> (value: Doubles, reciprocal: Doubles) {
  let reciprocal = Doubles(repeating: 1) / (magnitude + 4)
  let v = (magnitude - 4) * reciprocal
  let s = v * v
  var even = Doubles(repeating: coefficients[26])
  var odd = Doubles(repeating: coefficients[27])
  var k = 24
  while k >= 0 {
    even = multiplyAdd(even, s, Doubles(repeating: coefficients[k]))
    odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[k + 1]))
    k -= 2
  }
  return (multiplyAdd(odd, v, even), reciprocal)
}

/// e^(−x²/2) for |x| ≤ 37, and what the rounding of the square took away.
@_transparent
func gaussian(_ x: Doubles) -> Doubles {
  let square = x * x
  let lost = multiplyAdd(x, x, Doubles() - square)
  let leading = moderateExponential(-0.5 * square)
  return multiplyAdd(-0.5 * lost, leading, leading)
}
