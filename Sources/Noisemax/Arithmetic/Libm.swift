// The one place that imports the C mathematics library. Every function below is accurate to one unit in the
// last place or better on the platforms named here; the bounds of the noise laws build on that.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// eˣ.
@inline(__always)
package func exponential(_ x: Double) -> Double { exp(x) }

/// eˣ − 1, accurate where x is small.
@inline(__always)
package func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }

/// The natural logarithm.
@inline(__always)
package func logarithm(_ x: Double) -> Double { log(x) }

/// log(1 + x), accurate where x is small.
@inline(__always)
package func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }

/// cos x, for x of moderate size.
@inline(__always)
package func cosine(_ x: Double) -> Double { cos(x) }
