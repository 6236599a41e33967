#if hasFeature(BuiltinModule)
  import Builtin
#endif

// Arithmetic of whole vectors.
//
// The standard library's operators do their lanes one by one. The optimizer puts them together again, but where lanes
// change places it takes apart the arithmetic that follows, too. The compiler's own module has operations for whole
// vectors; without it these are the standard library's.

#if hasFeature(BuiltinModule)
  @inline(__always)
  func + (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fadd_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @inline(__always)
  func - (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fsub_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @inline(__always)
  func * (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fmul_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @inline(__always)
  func / (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fdiv_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @inline(__always)
  func + (a: Doubles, b: Double) -> Doubles { a + Doubles(repeating: b) }

  @inline(__always)
  func + (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) + b }

  @inline(__always)
  func - (a: Doubles, b: Double) -> Doubles { a - Doubles(repeating: b) }

  @inline(__always)
  func - (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) - b }

  @inline(__always)
  func * (a: Doubles, b: Double) -> Doubles { a * Doubles(repeating: b) }

  @inline(__always)
  func * (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) * b }

  @inline(__always)
  func += (a: inout Doubles, b: Doubles) { a = a + b }

  @inline(__always)
  private func vector(_ value: Builtin.Vec8xFPIEEE64) -> Doubles {
    var result = Doubles()
    result._storage._value = value
    return result
  }
#endif

/// a·b + c, in one rounding where the instruction set has it.
@inline(__always)
func multiplyAdd(_ a: Doubles, _ b: Doubles, _ c: Doubles) -> Doubles {
  #if FUSED || arch(arm64)
    #if hasFeature(BuiltinModule)
      vector(
        Builtin.int_fma_Vec8xFPIEEE64(a._storage._value, b._storage._value, c._storage._value))
    #else
      c.addingProduct(a, b)
    #endif
  #else
    a * b + c
  #endif
}

@inline(__always)
func multiplyAdd(_ a: Double, _ b: Doubles, _ c: Doubles) -> Doubles {
  multiplyAdd(Doubles(repeating: a), b, c)
}
