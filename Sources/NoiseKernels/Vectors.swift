// What the loops are made of: eight Doubles at a time. The compiler turns them into whatever the instruction set of the
// target has. Only concrete vectors and pointers here, and no function of the standard library that is not inlined: what
// a target for AVX-512 instantiated of it, the linker could hand to code that runs everywhere.

typealias Doubles = SIMD8<Double>
typealias Words = SIMD8<Int64>
typealias Floats = SIMD16<Float>

@inline(__always)
func load(_ p: UnsafePointer<Double>) -> Doubles { UnsafeRawPointer(p).loadUnaligned(as: Doubles.self) }

@inline(__always)
func load(_ p: UnsafeMutablePointer<Double>) -> Doubles {
  UnsafeMutableRawPointer(p).loadUnaligned(as: Doubles.self)
}

@inline(__always)
func store(_ vector: Doubles, to p: UnsafeMutablePointer<Double>) {
  UnsafeMutableRawPointer(p).storeBytes(of: vector, as: Doubles.self)
}

@inline(__always)
func words(_ vector: Doubles) -> Words { unsafeBitCast(vector, to: Words.self) }

@inline(__always)
func doubles(_ words: Words) -> Doubles { unsafeBitCast(words, to: Doubles.self) }

/// Calls the body with 0, 8, 16, … below a count.
@inline(__always)
func forEachVector(of count: Int, _ body: (_ index: Int) -> Void) {
  var index = 0
  while index < count {
    body(index)
    index += 8
  }
}

/// 1.5·2⁵²: what is added to a number and taken off again rounds it to an integer, and its last bits are the integer.
private let rounder = 0x1.8p52

/// Whole numbers as integers.
@inline(__always)
func integers(_ numbers: Doubles) -> Words {
  words(numbers + rounder) &- Words(repeating: Int64(bitPattern: rounder.bitPattern))
}

/// Integers below 2⁵¹ as numbers.
@inline(__always)
func doubles(whole numbers: Words) -> Doubles {
  doubles(numbers &+ Words(repeating: Int64(bitPattern: rounder.bitPattern))) - rounder
}

// The standard library's conversions are generic functions, and are not inlined everywhere.

@_transparent
func doubles(_ v: SIMD8<Float>) -> Doubles {
  Doubles(
    Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]), Double(v[4]), Double(v[5]), Double(v[6]),
    Double(v[7]))
}

@_transparent
func floats(_ v: Doubles) -> SIMD8<Float> {
  SIMD8(
    Float(v[0]), Float(v[1]), Float(v[2]), Float(v[3]), Float(v[4]), Float(v[5]), Float(v[6]), Float(v[7]))
}

/// Eight Floats in memory.
@inline(__always)
func doubles(at p: UnsafePointer<Float>) -> Doubles {
  doubles(UnsafeRawPointer(p).loadUnaligned(as: SIMD8<Float>.self))
}

@inline(__always)
func storeFloats(_ vector: Doubles, to p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: floats(vector), as: SIMD8<Float>.self)
}

/// The larger of two numbers in every lane; the first where the second is NaN.
@inline(__always)
func larger(_ a: Doubles, _ b: Doubles) -> Doubles { a.replacing(with: b, where: b .> a) }

@inline(__always)
func smaller(_ a: Doubles, _ b: Doubles) -> Doubles { a.replacing(with: b, where: b .< a) }

@inline(__always)
func laneSum(_ v: Doubles) -> Double {
  let four = v.lowHalf + v.highHalf
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}

@inline(__always)
func largest(_ v: Doubles) -> Double {
  let four = v.lowHalf.replacing(with: v.highHalf, where: v.highHalf .> v.lowHalf)
  let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
  return two[0] > two[1] ? two[0] : two[1]
}

/// The lane sums of eight vectors.
@inline(__always)
func sumsOfLanes(
  _ v0: Doubles, _ v1: Doubles, _ v2: Doubles, _ v3: Doubles, _ v4: Doubles, _ v5: Doubles, _ v6: Doubles,
  _ v7: Doubles
) -> Doubles {
  @inline(__always) func halves(_ a: Doubles, _ b: Doubles) -> Doubles {
    Doubles(lowHalf: a.lowHalf, highHalf: b.lowHalf) + Doubles(lowHalf: a.highHalf, highHalf: b.highHalf)
  }
  let (a, b) = zipTwos(halves(v0, v4), halves(v2, v6))
  let (c, d) = zipTwos(halves(v1, v5), halves(v3, v7))
  let (even, odd) = zipOnes(a + b, c + d)
  return even + odd
}

@inline(__always)
func reversed(_ v: Doubles) -> Doubles { Doubles(v[7], v[6], v[5], v[4], v[3], v[2], v[1], v[0]) }

/// Eight rows of eight in memory become eight columns.
@inline(__always)
func transposed(
  _ r0: UnsafePointer<Double>, _ r1: UnsafePointer<Double>, _ r2: UnsafePointer<Double>,
  _ r3: UnsafePointer<Double>, _ r4: UnsafePointer<Double>, _ r5: UnsafePointer<Double>,
  _ r6: UnsafePointer<Double>, _ r7: UnsafePointer<Double>
) -> (Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles) {
  @inline(__always) func pair(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>) -> Doubles {
    Doubles(
      lowHalf: UnsafeRawPointer(a).loadUnaligned(as: SIMD4<Double>.self),
      highHalf: UnsafeRawPointer(b).loadUnaligned(as: SIMD4<Double>.self))
  }
  return transposedHalves(
    pair(r0, r4), pair(r1, r5), pair(r2, r6), pair(r3, r7), pair(r0 + 4, r4 + 4), pair(r1 + 4, r5 + 4),
    pair(r2 + 4, r6 + 4), pair(r3 + 4, r7 + 4))
}

/// The first four are the low halves of rows 0…3 beside those of rows 4…7, the others the high halves.
@inline(__always)
private func transposedHalves(
  _ a0: Doubles, _ a1: Doubles, _ a2: Doubles, _ a3: Doubles, _ a4: Doubles, _ a5: Doubles, _ a6: Doubles,
  _ a7: Doubles
) -> (Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles) {
  let (b0, b2) = zipTwos(a0, a2)
  let (b1, b3) = zipTwos(a1, a3)
  let (b4, b6) = zipTwos(a4, a6)
  let (b5, b7) = zipTwos(a5, a7)
  let (c0, c1) = zipOnes(b0, b1)
  let (c2, c3) = zipOnes(b2, b3)
  let (c4, c5) = zipOnes(b4, b5)
  let (c6, c7) = zipOnes(b6, b7)
  return (c0, c1, c2, c3, c4, c5, c6, c7)
}

@inline(__always)
private func zipOnes(_ a: Doubles, _ b: Doubles) -> (Doubles, Doubles) {
  (
    Doubles(a[0], b[0], a[2], b[2], a[4], b[4], a[6], b[6]),
    Doubles(a[1], b[1], a[3], b[3], a[5], b[5], a[7], b[7])
  )
}

@inline(__always)
private func zipTwos(_ a: Doubles, _ b: Doubles) -> (Doubles, Doubles) {
  (
    Doubles(a[0], a[1], b[0], b[1], a[4], a[5], b[4], b[5]),
    Doubles(a[2], a[3], b[2], b[3], a[6], a[7], b[6], b[7])
  )
}

// MARK: Floats

// Sixteen at a time. Products and sums are rounded each: what the standard library has for both at once goes lane by
// lane, and the compiler makes whole vectors of that only in loops of little else. Functions are transparent where
// others would not be inlined for their size.

@inline(__always)
func load(_ p: UnsafePointer<Float>) -> Floats { UnsafeRawPointer(p).loadUnaligned(as: Floats.self) }

@inline(__always)
func load(_ p: UnsafeMutablePointer<Float>) -> Floats {
  UnsafeMutableRawPointer(p).loadUnaligned(as: Floats.self)
}

@inline(__always)
func store(_ vector: Floats, to p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: vector, as: Floats.self)
}

@_transparent
func larger(_ a: Floats, _ b: Floats) -> Floats { a.replacing(with: b, where: b .> a) }

@_transparent
func largest(_ v: Floats) -> Float {
  let eight = larger(
    v,
    Floats(
      v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15], v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]))
  let four = larger(
    eight,
    Floats(
      eight[4], eight[5], eight[6], eight[7], eight[0], eight[1], eight[2], eight[3], eight[12], eight[13],
      eight[14], eight[15], eight[8], eight[9], eight[10], eight[11]))
  let two = (four[0] > four[2] ? four[0] : four[2], four[1] > four[3] ? four[1] : four[3])
  return two.0 > two.1 ? two.0 : two.1
}

/// The first eight plus the last eight, in Doubles. The standard library's halves of sixteen are not inlined everywhere.
@_transparent
func doubles(folding v: Floats) -> Doubles {
  let (first, last) = unsafeBitCast(v, to: (SIMD8<Float>, SIMD8<Float>).self)
  return doubles(first) + doubles(last)
}

/// 0, 1, 2, … in the lanes.
var laneNumbers: Floats {
  @inline(__always) get { Floats(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }
}
