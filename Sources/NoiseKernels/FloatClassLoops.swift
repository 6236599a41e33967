#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice for rows of Floats, two classes at a time: the first eight lanes are those of one, the last
// eight of the other.

private typealias Half = SIMD8<Float>

@inline(__always)
private func joined(_ first: Half, _ second: Half) -> Floats {
  unsafeBitCast((first, second), to: Floats.self)
}

@inline(__always)
private func loadHalf(_ p: UnsafePointer<Float>) -> Half {
  UnsafeRawPointer(p).loadUnaligned(as: Half.self)
}

// MARK: deposit

/// As for Doubles: 15/16 of a share, which is within −1…1, has its last bit at 2⁻²² when this is added.
private let raised: Float = 3
private let reduction: Float = 0.9375
/// The sums of so many stay below 2³¹.
private let chunk = 512

extension VectorKernels {
  @inline(never)
  package static func depositFloats(
    _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>, _ count: Int, slots: UnsafePointer<Int>,
    shares: UnsafePointer<Float>, kept: UnsafeMutablePointer<Float>, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    let (even0, odd0, even1) = (load(shares), load(shares + 16), load(shares + 32))
    let (odd1, even2) = (load(shares + 48), load(shares + 64))
    let length = points + 16
    // Four copies, so that classes of near cells do not wait for each other.
    let sums = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int32.self)
    let base = SIMD16<Int32>(repeating: Int32(bitPattern: raised.bitPattern))
    @inline(__always) func add(_ share: SIMD8<Int32>, to place: UnsafeMutablePointer<Int32>) {
      let place = UnsafeMutableRawPointer(place)
      place.storeBytes(of: place.loadUnaligned(as: SIMD8<Int32>.self) &+ share, as: SIMD8<Int32>.self)
    }
    var start = 0
    while start < count {
      let end = count - start > chunk ? start + chunk : count
      var place = 0
      while place < 4 * length {
        UnsafeMutableRawPointer(sums + place).storeBytes(of: SIMD8<Int32>(), as: SIMD8<Int32>.self)
        place += 8
      }
      var index = start
      while index < end {
        let t = joined(Half(repeating: Float(offsets[index])), Half(repeating: Float(offsets[index + 1])))
        let s = t * t
        let own = multiplyAdd(
          t, multiplyAdd(odd1, s, odd0), multiplyAdd(multiplyAdd(even2, s, even1), s, even0))
        store(own, to: kept + 8 * index)
        let whole =
          unsafeBitCast(
            multiplyAdd(reduction, own, Floats(repeating: raised)), to: SIMD16<Int32>.self) &- base
        let (first, second) = unsafeBitCast(whole, to: (SIMD8<Int32>, SIMD8<Int32>).self)
        add(first, to: sums + (index & 3) * length + slots[cells[index]])
        add(second, to: sums + ((index & 3) + 1) * length + slots[cells[index + 1]])
        index += 2
      }
      place = 0
      while place < points {
        @inline(__always) func copy(_ k: Int) -> SIMD8<Int32> {
          UnsafeMutableRawPointer(sums + (k * length + place)).loadUnaligned(as: SIMD8<Int32>.self)
        }
        let whole = (copy(0) &+ copy(1)) &+ (copy(2) &+ copy(3))
        // Whole numbers, and so are their sums.
        var sum = doubles(whole)
        if start > 0 { sum += load(weights + place) }
        store(end == count ? sum * (0x1p-22 / Double(reduction)) : sum, to: weights + place)
        place += 8
      }
      start = end
    }
  }
}

@_transparent
private func doubles(_ v: SIMD8<Int32>) -> Doubles {
  Doubles(
    Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]), Double(v[4]), Double(v[5]), Double(v[6]),
    Double(v[7]))
}

// MARK: grid points

extension VectorKernels {
  @inline(never)
  package static func floatIntegrals(
    of values: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid, places: UnsafePointer<Int>,
    points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Float>, below last: Int,
    factor: Double, results: UnsafeMutablePointer<Double>
  ) {
    @inline(__always) func write(_ sum: Floats, to place: Int) {
      let (first, second) = unsafeBitCast(sum, to: (Half, Half).self)
      store(factor * doubles(first), to: results + place)
      store(factor * doubles(second), to: results + (place + 8))
    }
    var point = 0
    while point < count {
      let start = samples + points[point]
      // As many blocks of eight as follow each other, up to four; of three, what a fourth would have is written over.
      var blocks = 1
      while blocks < 4, point + 8 * blocks < count,
        points[point + 8 * blocks] == points[point] + 8 * blocks
      {
        blocks += 1
      }
      let end = reach(of: points[point] + 8 * blocks - 1, on: grid, below: last, nodes)
      var (a, b, c, d) = (Floats(), Floats(), Floats(), Floats())
      var node = 0
      if blocks > 2 {
        while node + 1 < end {
          let (row, next) = (start + places[node], start + places[node + 1])
          let (value, nextValue) = (Float(values[node]), Float(values[node + 1]))
          a = multiplyAdd(value, load(row), a)
          b = multiplyAdd(value, load(row + 16), b)
          c = multiplyAdd(nextValue, load(next), c)
          d = multiplyAdd(nextValue, load(next + 16), d)
          node += 2
        }
        if node < end {
          a = multiplyAdd(Float(values[node]), load(start + places[node]), a)
          b = multiplyAdd(Float(values[node]), load(start + places[node] + 16), b)
        }
        write(a + c, to: point)
        write(b + d, to: point + 16)
      } else {
        while node + 1 < end {
          a = multiplyAdd(Float(values[node]), load(start + places[node]), a)
          c = multiplyAdd(Float(values[node + 1]), load(start + places[node + 1]), c)
          node += 2
        }
        if node < end { a = multiplyAdd(Float(values[node]), load(start + places[node]), a) }
        write(a + c, to: point)
      }
      point += 8 * blocks
    }
  }
}

/// How many nodes have one of so many samples at a point.
@inline(__always)
private func reach(of point: Int, on grid: NodeGrid, below end: Int, _ nodes: Int) -> Int {
  let samples = end - (grid.start - point << grid.strideExponent) + grid.step - 1
  let reach = samples >= 0 ? samples / grid.step : 0
  return reach > nodes ? nodes : reach
}

// MARK: evaluation

/// The sums of the halves of eight vectors, in the order of the classes: the first vector has classes 0 and 1, and so on.
@inline(__always)
private func sumsOfHalves(
  _ v0: Floats, _ v1: Floats, _ v2: Floats, _ v3: Floats, _ v4: Floats, _ v5: Floats, _ v6: Floats,
  _ v7: Floats
) -> Floats {
  @inline(__always) func ones(_ a: Floats, _ b: Floats) -> Floats {
    Floats(
      a[0], b[0], a[2], b[2], a[4], b[4], a[6], b[6], a[8], b[8], a[10], b[10], a[12], b[12], a[14], b[14])
      + Floats(
        a[1], b[1], a[3], b[3], a[5], b[5], a[7], b[7], a[9], b[9], a[11], b[11], a[13], b[13], a[15], b[15])
  }
  @inline(__always) func twos(_ a: Floats, _ b: Floats) -> Floats {
    Floats(
      a[0], a[1], b[0], b[1], a[4], a[5], b[4], b[5], a[8], a[9], b[8], b[9], a[12], a[13], b[12], b[13])
      + Floats(
        a[2], a[3], b[2], b[3], a[6], a[7], b[6], b[7], a[10], a[11], b[10], b[11], a[14], a[15], b[14], b[15]
      )
  }
  let (a, b) = (twos(ones(v0, v1), ones(v2, v3)), twos(ones(v4, v5), ones(v6, v7)))
  // Fours of the even and of the odd classes, of either half.
  return Floats(
    a[0], a[8], a[1], a[9], a[2], a[10], a[3], a[11], b[0], b[8], b[1], b[9], b[2], b[10], b[3], b[11])
    + Floats(
      a[4], a[12], a[5], a[13], a[6], a[14], a[7], a[15], b[4], b[12], b[5], b[13], b[6], b[14], b[7], b[15])
}

extension VectorKernels {
  @inline(never)
  package static func evaluateFloatShares(
    _ gaps: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>, _ count: Int, from limit: Double,
    slots: UnsafePointer<Int>, cellCount: Int, kept: UnsafePointer<Float>,
    logarithms: UnsafePointer<Double>, numbers: UnsafePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    let rises = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Float.self)
    let middles = scratch + 4 * (cellCount + 1)
    var cell = 0
    while cell <= cellCount {
      if slots[cell] >= 0 {
        let values = logarithms + slots[cell]
        storeFloats(load(values) - values[3], to: rises + 8 * cell)
        middles[cell] = numbers[slots[cell] + 3]
      }
      cell += 1
    }
    /// The rises of two classes.
    @inline(__always) func products(_ index: Int) -> Floats {
      load(kept + 8 * index)
        * joined(loadHalf(rises + 8 * cells[index]), loadHalf(rises + 8 * cells[index + 1]))
    }
    @inline(__always) func middle(_ cells: UnsafePointer<Int>) -> Doubles {
      Doubles(
        middles[cells[0]], middles[cells[1]], middles[cells[2]], middles[cells[3]], middles[cells[4]],
        middles[cells[5]], middles[cells[6]], middles[cells[7]])
    }
    var total = (high: -1.0, low: 0.0)
    var part = Doubles()
    @inline(__always) func write(_ growth: Half, _ index: Int) {
      let p = (middle(cells + index) * doubles(growth))
        .replacing(with: 0, where: load(gaps + index) .< limit)
      store(p, to: gaps + index)
      part += p
    }
    var index = 0
    while index < count {
      // A last eight stand alone, twice.
      let next = index + 8 < count ? index + 8 : index
      let rise = sumsOfHalves(
        products(index), products(index + 2), products(index + 4), products(index + 6), products(next),
        products(next + 2), products(next + 4), products(next + 6))
      let bound = Floats(repeating: 80)
      let low = larger(rise, Floats() - bound)
      let (first, second) = unsafeBitCast(
        moderateExponential(low.replacing(with: bound, where: low .> bound)), to: (Half, Half).self)
      write(first, index)
      if next > index { write(second, next) }
      if index & 511 == 0 {
        add(laneSum(part), to: &total)
        part = Doubles()
      }
      index += 16
    }
    add(laneSum(part), to: &total)
    return total.high + total.low
  }
}
