/// Σ coefficients[k]·xᵏ by Horner's rule on the even and the odd terms: two short chains take less time than one long.
@inline(__always)
func polynomial(_ coefficients: [Double], at x: Double) -> Double {
  coefficients.withUnsafeBufferPointer { coefficients in
    let square = x * x
    var (even, odd) = (0.0, 0.0)
    var k = coefficients.count - 1
    if k & 1 == 0 {
      even = coefficients[k]
      k -= 1
    }
    while k > 0 {
      odd = odd * square + coefficients[k]
      even = even * square + coefficients[k - 1]
      k -= 2
    }
    return even + x * odd
  }
}
