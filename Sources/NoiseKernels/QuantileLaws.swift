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
  // Written out: what has loops is not inlined.
  var even = multiplyAdd(Doubles(repeating: coefficients[26]), s, Doubles(repeating: coefficients[24]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[22]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[20]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[18]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[16]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[14]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[12]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[10]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[8]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[6]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[4]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[2]))
  even = multiplyAdd(even, s, Doubles(repeating: coefficients[0]))
  var odd = multiplyAdd(Doubles(repeating: coefficients[27]), s, Doubles(repeating: coefficients[25]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[23]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[21]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[19]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[17]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[15]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[13]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[11]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[9]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[7]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[5]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[3]))
  odd = multiplyAdd(odd, s, Doubles(repeating: coefficients[1]))
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
