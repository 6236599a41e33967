// Loops over plain memory, eight numbers at a time. The order of the additions is fixed, so that the same row always
// gives the same bits.

private let stride = MemoryLayout<Double>.stride

/// Σ a·b, in eight partial sums.
@inline(__always)
func dotProduct(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, count: Int) -> Double {
  let (p, q) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
  var sums = SIMD8<Double>()
  var index = 0
  while index + 8 <= count {
    sums +=
      p.loadUnaligned(fromByteOffset: index * stride, as: SIMD8<Double>.self)
      * q.loadUnaligned(fromByteOffset: index * stride, as: SIMD8<Double>.self)
    index += 8
  }
  var sum = sums.sum()
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}

/// Adds factor·a to b.
@inline(__always)
func addMultiple(
  _ factor: Double, of a: UnsafePointer<Double>, to b: UnsafeMutablePointer<Double>, count: Int
) {
  let (p, q) = (UnsafeRawPointer(a), UnsafeMutableRawPointer(b))
  var index = 0
  while index + 8 <= count {
    let sum =
      q.loadUnaligned(fromByteOffset: index * stride, as: SIMD8<Double>.self)
      + factor * p.loadUnaligned(fromByteOffset: index * stride, as: SIMD8<Double>.self)
    q.storeBytes(of: sum, toByteOffset: index * stride, as: SIMD8<Double>.self)
    index += 8
  }
  while index < count {
    b[index] += factor * a[index]
    index += 1
  }
}
