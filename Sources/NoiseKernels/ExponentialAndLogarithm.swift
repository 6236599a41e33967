// Exponential and logarithm of eight numbers, each within 1.5 units in the last place. `excess` here is what exceeds 1.

/// 1.5·2⁵²: what is added to a number and taken off again rounds it to an integer, and its last bits are the integer.
private let rounder = 0x1.8p52
private let log2e = 0x1.71547652b82fep+0
let ln2 = 0x1.62e42fefa39efp-1
/// ln 2 in two parts; the first times an exponent is exact.
let ln2High = 0x1.62e42feep-1
let ln2Low = 0x1.a39ef35793c76p-33

/// eˣ·2^shift, for a shift within −1100…900: 0 for −∞, NaN for NaN; what is subnormal is rounded once.
@inline(__always)
func exponential(_ x: Doubles, shift: Doubles = Doubles(repeating: 0)) -> Doubles {
  // Beyond these the result is 0 or infinite, whatever the shift.
  let x = larger(smaller(x, Doubles(repeating: 720)), Doubles(repeating: -1400))
  let (mantissa, exponent) = exponentialParts(x)
  // The power of two in two factors, so that neither is subnormal or infinite before the product is.
  let whole = exponent + shift
  let half = (0.5 * whole + rounder) - rounder
  return mantissa * powerOfTwo(half) * powerOfTwo(whole - half)
}

/// eˣ for |x| ≤ 700, where no power of two under- or overflows.
@inline(__always)
func moderateExponential(_ x: Doubles) -> Doubles {
  let (mantissa, exponent) = exponentialParts(x)
  return mantissa * powerOfTwo(exponent)
}

/// eˣ for x ≤ 0 within 6e-9, where it is above 2⁻¹⁰²² or else about that: all that a Float can show.
@inline(__always)
func singleExponential(_ x: Doubles) -> Doubles {
  let x = larger(x, Doubles(repeating: -709))
  let n = multiplyAdd(log2e, x, Doubles(repeating: rounder)) - rounder
  let r = multiplyAdd(-ln2High, n, x)
  let s = r * r
  let even = multiplyAdd(
    multiplyAdd(0x1.6c16c1788bd90p-10, s, Doubles(repeating: 0x1.5555555553d63p-5)), s,
    Doubles(repeating: 0.5))
  let odd = multiplyAdd(
    multiplyAdd(0x1.a01a01a7c41d5p-13, s, Doubles(repeating: 0x1.11111111109b3p-7)), s,
    Doubles(repeating: 0x1.5555555555556p-3))
  return (1 + multiplyAdd(multiplyAdd(odd, r, even), s, r)) * powerOfTwo(n)
}

/// What ``raisedExponential(_:_:)`` is of 0: so large that weights are normal numbers wherever a Float can show what
/// they are a part of.
let largestWeight: Float = 0x1p24

/// 2²⁴·e^(x + rest) for x ≤ 0, as a power of two and what is above it; 0 where e^x is below 2⁻¹⁵⁰, NaN for NaN.
///
/// The sum of the two, not yet rounded, is within 4e-8.
@_transparent
func raisedExponential(_ x: Floats, _ rest: Floats) -> (power: Floats, excess: Floats) {
  // 1.5·2²³, and in the last bits what makes an exponent of 2²⁴ of 0.
  let rounder: Float = 0x1.8p23 + (127 + 24)
  let isNone = x .< -104
  let rounded = multiplyAdd(0x1.715476p+0, x, Floats(repeating: rounder))
  let n = rounded - rounder
  let power = unsafeBitCast(unsafeBitCast(rounded, to: SIMD16<UInt32>.self) &<< 23, to: Floats.self)
  // The first part of ln 2 has 15 bits: the product and the difference are exact.
  let high = multiplyAdd(-0x1.62e4p-1, n, x)
  let low = multiplyAdd(-0x1.7f7d1cp-20, n, rest)
  let r = high + low
  let excess = high + multiplyAdd(bend(r), r * r, low)
  let kept = power.replacing(with: 0, where: isNone)
  return (kept, excess.replacing(with: 0, where: isNone) * kept)
}

/// eˣ for |x| ≤ 80 within 2e-7.
@_transparent
func moderateExponential(_ x: Floats) -> Floats {
  let rounder: Float = 0x1.8p23 + 127
  let rounded = multiplyAdd(0x1.715476p+0, x, Floats(repeating: rounder))
  let n = rounded - rounder
  let power = unsafeBitCast(unsafeBitCast(rounded, to: SIMD16<UInt32>.self) &<< 23, to: Floats.self)
  let r = multiplyAdd(-0x1.7f7d1cp-20, n, multiplyAdd(-0x1.62e4p-1, n, x))
  return multiplyAdd(multiplyAdd(bend(r), r * r, r), power, power)
}

/// (eʳ − 1 − r)/r² for |r| ≤ ½·ln 2.
@_transparent
private func bend(_ r: Floats) -> Floats {
  let s = r * r
  let even = multiplyAdd(
    multiplyAdd(0x1.6b6c4ep-10, s, Floats(repeating: 0x1.55568cp-5)), s, Floats(repeating: 0.5))
  let odd = multiplyAdd(0x1.1230bp-7, s, Floats(repeating: 0x1.5554a2p-3))
  return multiplyAdd(odd, r, even)
}

/// eˣ − 1 for |x| ≤ 700, within two units in the last place.
@inline(__always)
func moderateExponentialMinusOne(_ x: Doubles) -> Doubles { moderateExponentials(x).lessOne }

/// eˣ and eˣ − 1 for |x| ≤ 700, each within two units in the last place.
@inline(__always)
func moderateExponentials(_ x: Doubles) -> (value: Doubles, lessOne: Doubles) {
  let (excess, exponent) = exponentialExcess(x)
  let power = powerOfTwo(exponent)
  // Without an exponent the excess is the second result itself.
  return (multiplyAdd(power, excess, power), multiplyAdd(power, excess, power - 1))
}

/// e^−x and e^−x − 1 for x ≥ 0, each within two units in the last place.
@inline(__always)
func fallingExponential(_ x: Doubles) -> (value: Doubles, lessOne: Doubles) {
  // Beyond this both are what they are of infinity.
  let (excess, exponent) = exponentialExcess(Doubles() - smaller(x, Doubles(repeating: 1400)))
  // Two factors: what is subnormal is rounded once.
  let half = (0.5 * exponent + rounder) - rounder
  let (power, rest) = (powerOfTwo(half), powerOfTwo(exponent - half))
  let whole = power * rest
  return ((1 + excess) * power * rest, multiplyAdd(whole, excess, whole - 1))
}

/// eˣ as 2^exponent · rest, with a whole exponent, also where that is far out of range; the rest is within √½ and √2, NaN
/// for an infinite x.
@inline(__always)
func splitPower(_ x: Doubles) -> (exponent: Doubles, rest: Doubles) {
  let (n, r) = reduced(x)
  // Numbers so large that they have no digits left for the rest.
  let limit = Doubles(repeating: 0.35)
  return (n, moderateExponential(larger(smaller(r, limit), Doubles() - limit)))
}

/// eˣ as mantissa · 2^exponent, with the mantissa within √½ and √2.
@inline(__always)
private func exponentialParts(_ x: Doubles) -> (mantissa: Doubles, exponent: Doubles) {
  let (excess, exponent) = exponentialExcess(x)
  return (1 + excess, exponent)
}

/// x as n·ln 2 + r, with a whole n and |r| ≤ ½·ln 2.
@inline(__always)
private func reduced(_ x: Doubles) -> (n: Doubles, r: Doubles) {
  let n = multiplyAdd(log2e, x, Doubles(repeating: rounder)) - rounder
  return (n, multiplyAdd(-ln2Low, n, multiplyAdd(-ln2High, n, x)))
}

/// eˣ as (1 + excess) · 2^exponent, with 1 + excess within √½ and √2.
@inline(__always)
private func exponentialExcess(_ x: Doubles) -> (excess: Doubles, exponent: Doubles) {
  let (n, r) = reduced(x)
  // Even and odd powers side by side: two short chains instead of one long.
  let s = r * r
  var even = multiplyAdd(0x1.289185613a3d6p-22, s, Doubles(repeating: 0x1.a019b90d2ae7ap-16))
  var odd = multiplyAdd(0x1.af38a9b0ec855p-26, s, Doubles(repeating: 0x1.71de0dae63bb3p-19))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.6c16c1788bd90p-10))
  odd = multiplyAdd(odd, s, Doubles(repeating: 0x1.a01a01a7c41d5p-13))
  even = multiplyAdd(even, s, Doubles(repeating: 0x1.5555555553d63p-5))
  odd = multiplyAdd(odd, s, Doubles(repeating: 0x1.11111111109b3p-7))
  even = multiplyAdd(even, s, Doubles(repeating: 0.5))
  odd = multiplyAdd(odd, s, Doubles(repeating: 0x1.5555555555556p-3))
  return (multiplyAdd(multiplyAdd(odd, r, even), s, r), n)
}

/// 2ⁿ for a whole number within −1022…1023; NaN gives some number.
@inline(__always)
func powerOfTwo(_ n: Doubles) -> Doubles { doubles(words(n + (rounder + 1023)) &<< 52) }

/// A normal number above 0 as mantissa · 2^exponent, with the mantissa from ½ on and below 1.
@inline(__always)
func splitExponent(_ x: Doubles) -> (mantissa: Doubles, exponent: Words) {
  let bits = words(x)
  let shifted = unsafeBitCast(unsafeBitCast(bits, to: SIMD8<UInt64>.self) &>> 52, to: Words.self)
  let mantissa = (bits & Words(repeating: 0x000F_FFFF_FFFF_FFFF)) | Words(repeating: 0x3FE0_0000_0000_0000)
  return (doubles(mantissa), shifted &- Words(repeating: 1022))
}

/// A positive normal number as 2^exponent · e^logarithm, with the logarithm within ±0.347.
@inline(__always)
func splitLogarithm(_ x: Doubles) -> (exponent: Doubles, logarithm: Doubles) {
  // Mantissas from √½ to √2: what the bits of √½ are taken off first decides where the exponent changes.
  let rootHalf: Int64 = 0x3FE6_A09E_667F_3BCD
  let bits = words(x) &- Words(repeating: rootHalf)
  let exponentBits = bits & Words(repeating: Int64(bitPattern: 0xFFF0_0000_0000_0000))
  let f = doubles(words(x) &- exponentBits) - 1
  // The exponent as a number, by way of the bits of 2⁵² + 2¹¹ + exponent.
  let magic = Int64(bitPattern: (0x1p52 + 0x1p11).bitPattern)
  let raised = exponentBits &+ Words(repeating: 0x4000_0000_0000_0000)
  let shifted = unsafeBitCast(unsafeBitCast(raised, to: SIMD8<UInt64>.self) &>> 52, to: Words.self)
  let exponent = doubles(shifted &+ Words(repeating: magic &- 0x400)) - (0x1p52 + 0x1p11)
  let s = f / (2 + f)
  let z = s * s
  var r = multiplyAdd(
    Doubles(repeating: 0x1.2b6688a387e03p-3), z, Doubles(repeating: 0x1.39fd392179a95p-3))
  r = multiplyAdd(r, z, Doubles(repeating: 0x1.7462bd8f7796ep-3))
  r = multiplyAdd(r, z, Doubles(repeating: 0x1.c71c62c639fdep-3))
  r = multiplyAdd(r, z, Doubles(repeating: 0x1.2492492e09d4dp-2))
  r = multiplyAdd(r, z, Doubles(repeating: 0x1.9999999995204p-2))
  r = multiplyAdd(r, z, Doubles(repeating: 0x1.5555555555558p-1))
  let halfSquare = 0.5 * f * f
  // log(1 + f) = f − (f²/2 − s·(f²/2 + z·r)).
  return (exponent, f - (halfSquare - s * multiplyAdd(r, z, halfSquare)))
}
