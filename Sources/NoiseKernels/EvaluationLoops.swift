#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice from its grid points to the classes.

extension VectorKernels {
  @inline(never)
  package static func logarithms(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double,
    to logarithms: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      let (exponent, logarithm) = splitLogarithm(load(numbers + index))
      let whole = exponent - shift
      store(
        multiplyAdd(ln2High, whole, multiplyAdd(ln2Low, whole, logarithm)), to: logarithms + index)
      index += 8
    }
  }

  @inline(never)
  package static func expand(
    _ logarithms: UnsafePointer<Double>, from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>,
    matrix: UnsafePointer<Double>, taps: Int, rows: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) {
    var cell = firstWanted
    while cell < cells {
      let slot = slots[cell]
      scratch[cell] = 0
      if slot >= 0 {
        let reference = logarithms[slot + taps / 2 - 1]
        var (even, odd) = (Doubles(), Doubles())
        var tap = 0
        while tap < taps {
          let ratios = load(logarithms + slot + tap) - reference
          let row = matrix + 8 * tap
          even = multiplyAdd(ratios[0], load(row), even)
          odd = multiplyAdd(ratios[1], load(row + 8), odd)
          even = multiplyAdd(ratios[2], load(row + 16), even)
          odd = multiplyAdd(ratios[3], load(row + 24), odd)
          even = multiplyAdd(ratios[4], load(row + 32), even)
          odd = multiplyAdd(ratios[5], load(row + 40), odd)
          even = multiplyAdd(ratios[6], load(row + 48), even)
          odd = multiplyAdd(ratios[7], load(row + 56), odd)
          tap += 8
        }
        let coefficients = even + odd
        store(coefficients, to: rows + 8 * cell)
        scratch[cell] = reference + coefficients[0]
      }
      cell += 1
    }
    cell = firstWanted
    while cell < cells {
      store(exponential(load(scratch + cell)), to: scratch + cell)
      cell += 8
    }
    cell = firstWanted
    while cell < cells {
      if slots[cell] >= 0 { rows[8 * cell] = scratch[cell] }
      cell += 1
    }
  }
}
