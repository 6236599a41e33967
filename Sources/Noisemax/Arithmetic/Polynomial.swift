/// Σ coefficients[k]·xᵏ by Horner's rule.
@inline(__always)
func polynomial(_ coefficients: [Double], at x: Double) -> Double {
  var sum = 0.0
  for coefficient in coefficients.reversed() { sum = sum * x + coefficient }
  return sum
}
