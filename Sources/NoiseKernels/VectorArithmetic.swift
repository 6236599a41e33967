#if hasFeature(BuiltinModule)
  import Builtin
#endif

// Arithmetic of whole vectors.
//
// The standard library's operators do their lanes one by one. The optimizer puts them together again, but where lanes
// change places it takes apart the arithmetic that follows, too. The compiler's own module has operations for whole
// vectors; without it these are the standard library's.

#if hasFeature(BuiltinModule)
  @_transparent
  func + (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fadd_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @_transparent
  func - (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fsub_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @_transparent
  func * (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fmul_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @_transparent
  func / (a: Doubles, b: Doubles) -> Doubles {
    vector(Builtin.fdiv_Vec8xFPIEEE64(a._storage._value, b._storage._value))
  }

  @_transparent
  func + (a: Doubles, b: Double) -> Doubles { a + Doubles(repeating: b) }

  @_transparent
  func + (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) + b }

  @_transparent
  func - (a: Doubles, b: Double) -> Doubles { a - Doubles(repeating: b) }

  @_transparent
  func - (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) - b }

  @_transparent
  func * (a: Doubles, b: Double) -> Doubles { a * Doubles(repeating: b) }

  @_transparent
  func * (a: Double, b: Doubles) -> Doubles { Doubles(repeating: a) * b }

  @_transparent
  func += (a: inout Doubles, b: Doubles) { a = a + b }

  @_transparent
  private func vector(_ value: Builtin.Vec8xFPIEEE64) -> Doubles {
    var result = Doubles()
    result._storage._value = value
    return result
  }

  @_transparent
  func + (a: Floats, b: Floats) -> Floats {
    vector(Builtin.fadd_Vec16xFPIEEE32(a._storage._value, b._storage._value))
  }

  @_transparent
  func - (a: Floats, b: Floats) -> Floats {
    vector(Builtin.fsub_Vec16xFPIEEE32(a._storage._value, b._storage._value))
  }

  @_transparent
  func * (a: Floats, b: Floats) -> Floats {
    vector(Builtin.fmul_Vec16xFPIEEE32(a._storage._value, b._storage._value))
  }

  @_transparent
  func / (a: Floats, b: Floats) -> Floats {
    vector(Builtin.fdiv_Vec16xFPIEEE32(a._storage._value, b._storage._value))
  }

  @_transparent
  func + (a: Floats, b: Float) -> Floats { a + Floats(repeating: b) }

  @_transparent
  func + (a: Float, b: Floats) -> Floats { Floats(repeating: a) + b }

  @_transparent
  func - (a: Floats, b: Float) -> Floats { a - Floats(repeating: b) }

  @_transparent
  func - (a: Float, b: Floats) -> Floats { Floats(repeating: a) - b }

  @_transparent
  func * (a: Floats, b: Float) -> Floats { a * Floats(repeating: b) }

  @_transparent
  func * (a: Float, b: Floats) -> Floats { Floats(repeating: a) * b }

  @_transparent
  func += (a: inout Floats, b: Floats) { a = a + b }

  @_transparent
  private func vector(_ value: Builtin.Vec16xFPIEEE32) -> Floats {
    var result = Floats()
    result._storage._value = value
    return result
  }
#endif

/// a·b + c, in one rounding where the instruction set has it.
@_transparent
func multiplyAdd(_ a: Doubles, _ b: Doubles, _ c: Doubles) -> Doubles {
  #if FUSED || arch(arm64)
    #if hasFeature(BuiltinModule)
      vector(Builtin.int_fma_Vec8xFPIEEE64(a._storage._value, b._storage._value, c._storage._value))
    #else
      c.addingProduct(a, b)
    #endif
  #else
    a * b + c
  #endif
}

@_transparent
func multiplyAdd(_ a: Double, _ b: Doubles, _ c: Doubles) -> Doubles {
  multiplyAdd(Doubles(repeating: a), b, c)
}

@_transparent
func multiplyAdd(_ a: Floats, _ b: Floats, _ c: Floats) -> Floats {
  #if FUSED || arch(arm64)
    #if hasFeature(BuiltinModule)
      vector(Builtin.int_fma_Vec16xFPIEEE32(a._storage._value, b._storage._value, c._storage._value))
    #else
      c.addingProduct(a, b)
    #endif
  #else
    a * b + c
  #endif
}

@_transparent
func multiplyAdd(_ a: Float, _ b: Floats, _ c: Floats) -> Floats {
  multiplyAdd(Floats(repeating: a), b, c)
}

/// The largest whole number below or at a number within ±2⁵¹.
@_transparent
func floor(_ numbers: Doubles) -> Doubles {
  #if (FUSED || arch(arm64)) && hasFeature(BuiltinModule)
    vector(Builtin.int_floor_Vec8xFPIEEE64(numbers._storage._value))
  #else
    // What is added and taken off again rounds to the nearest.
    let nearest = (numbers + 0x1.8p52) - 0x1.8p52
    return nearest - Doubles().replacing(with: 1, where: nearest .> numbers)
  #endif
}
