// The numbers of a chart as text: with a point, whatever the locale.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A number with a fixed count of decimals: `0.250`, `-1.0`. Its magnitude times that power of ten is below 1e18.
package func fixedDecimals(_ number: Double, _ count: Int) -> String {
  let scaled = (number.magnitude * pow(10, Double(count))).rounded()
  let digits = String(Int(scaled))
  let sign = number < 0 && scaled > 0 ? "-" : ""
  if count == 0 { return sign + digits }
  let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
  return sign + padded.dropLast(count) + "." + padded.suffix(count)
}

/// The label of a tick, with as many decimals as the step to the next one needs.
func tickLabel(_ value: Double, step: Double) -> String {
  // A multiple of the step that is off zero by roundings alone.
  if value.magnitude < step / 1000 { return "0" }
  let exponent = Int(log10(step * 1.001).rounded(.down))
  let leading = Int(log10(value.magnitude * (1 + 1e-12)).rounded(.down))
  if exponent >= -4, leading < 6 {
    return typographic(fixedDecimals(value, max(0, -exponent)))
  }
  let decimals = max(0, min(9, leading - exponent))
  let mantissa = typographic(fixedDecimals(value / pow(10, Double(leading)), decimals))
  let power = "10" + superscript(leading)
  return mantissa == "1" ? power : mantissa == "−1" ? "−" + power : mantissa + "·" + power
}

/// The label of ten to a power, or of 2 or 5 times one: `0.02`, or if it is not to be plain `2·10⁻²`.
func tickLabel(powerOfTen logarithm: Double, isPlain: Bool) -> String {
  let exponent = (logarithm + 1e-9).rounded(.down)
  let mantissa = pow(10, logarithm - exponent).rounded()
  if isPlain || exponent == 0 {
    return fixedDecimals(mantissa * pow(10, exponent), max(0, -Int(exponent)))
  }
  return (mantissa == 1 ? "" : "\(Int(mantissa))·") + "10" + superscript(Int(exponent))
}

/// With a minus sign in place of the hyphen.
package func typographic(_ number: String) -> String {
  number.hasPrefix("-") ? "−" + number.dropFirst() : number
}

private func superscript(_ number: Int) -> String {
  let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
  let raised = String(number.magnitude).compactMap { $0.wholeNumberValue.map { digits[$0] } }
  return (number < 0 ? "⁻" : "") + String(raised)
}

/// A length in the picture, to a hundredth: `12.5`, `3`.
///
/// The point where it is rounded up lies a little beside the middle: where a length is half a hundredth but for the
/// roundings of its computation, those do not decide.
func svgNumber(_ length: Double) -> String {
  var text = fixedDecimals(svgRounded(length), 2)
  while text.hasSuffix("0") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return text
}

/// A length as it stands in the picture.
func svgRounded(_ length: Double) -> Double {
  (Double.minimum(1e7, Double.maximum(-1e7, length)) * 100 + 1e-4).rounded() / 100
}
