#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the nodes of the integral.

extension VectorKernels {
  @inline(never)
  package static func locate(
    _ points: UnsafePointer<Int>, _ count: Int, in layout: SampleLayout, from start: Int, stride: Int,
    nodes: Int,
    starts: UnsafeMutablePointer<Int>, cumulativeReaches: UnsafeMutablePointer<Int>,
    hazardReaches: UnsafeMutablePointer<Int>
  ) {
    let (shift, mask) = (layout.stepExponent, (1 << layout.stepExponent) - 1)
    var index = 0
    while index < count {
      let offset = start - points[index] * stride
      starts[index] = (offset & mask) * layout.rowLength + (offset >> shift)
      let cumulative = (layout.cumulativeCount - offset + mask) >> shift
      let hazard = (layout.hazardCount - offset + mask) >> shift
      cumulativeReaches[index] = cumulative < 0 ? 0 : cumulative > nodes ? nodes : cumulative
      hazardReaches[index] = hazard < 0 ? 0 : hazard > nodes ? nodes : hazard
      index += 1
    }
  }

  @inline(never)
  package static func weightedSums(
    _ weights: UnsafePointer<Double>, starts: UnsafePointer<Int>, reaches: UnsafePointer<Int>, count: Int,
    samples: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    var first = 0
    var node = 0
    while node < nodes {
      while first < count, reaches[first] <= node { first += 1 }
      var point = first
      let start = samples + node
      if node + 16 < nodes {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        while point < count {
          let (weight, row) = (weights[point], start + starts[point])
          a = multiplyAdd(weight, load(row), a)
          b = multiplyAdd(weight, load(row + 8), b)
          c = multiplyAdd(weight, load(row + 16), c)
          d = multiplyAdd(weight, load(row + 24), d)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        store(c, to: sums + node + 16)
        store(d, to: sums + node + 24)
        node += 32
      } else {
        var (a, b) = (Doubles(), Doubles())
        while point < count {
          let (weight, row) = (weights[point], start + starts[point])
          a = multiplyAdd(weight, load(row), a)
          b = multiplyAdd(weight, load(row + 8), b)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        node += 16
      }
    }
  }

  @inline(never)
  package static func integrals(
    of values: UnsafePointer<Double>, starts: UnsafePointer<Int>, reaches: UnsafePointer<Int>, count: Int,
    samples: UnsafePointer<Double>, factor: Double, results: UnsafeMutablePointer<Double>
  ) {
    @inline(__always) func rest(_ point: Int, _ sums: Doubles, from node: Int) -> Double {
      var (sums, node) = (sums, node)
      while node < reaches[point] {
        sums = multiplyAdd(load(values + node), load(samples + starts[point] + node), sums)
        node += 8
      }
      return factor * laneSum(sums)
    }
    var point = 0
    while point + 4 <= count {
      let (p, q) = (samples + starts[point], samples + starts[point + 1])
      let (r, s) = (samples + starts[point + 2], samples + starts[point + 3])
      let reach = reaches[point]
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      var node = 0
      while node < reach {
        let value = load(values + node)
        a = multiplyAdd(value, load(p + node), a)
        b = multiplyAdd(value, load(q + node), b)
        c = multiplyAdd(value, load(r + node), c)
        d = multiplyAdd(value, load(s + node), d)
        node += 8
      }
      results[point] = rest(point, a, from: node)
      results[point + 1] = rest(point + 1, b, from: node)
      results[point + 2] = rest(point + 2, c, from: node)
      results[point + 3] = rest(point + 3, d, from: node)
      point += 4
    }
    while point < count {
      results[point] = rest(point, Doubles(), from: 0)
      point += 1
    }
  }

  @inline(never)
  package static func exponentials(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double, to results: UnsafeMutablePointer<Double>
  ) {
    var index = 0
    while index < count {
      store(exponential(load(numbers + index), shift: Doubles(repeating: shift)), to: results + index)
      index += 8
    }
    while count < index {
      index -= 1
      results[index] = 0
    }
  }

  @inline(never)
  package static func interpolatedExponentials(
    of samples: UnsafePointer<Double>, rowLength: Int, stepExponent: Int, from first: Int,
    shares: UnsafePointer<Double>, taps: Int, to results: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    let step = 1 << stepExponent
    var node = 0
    while node < count {
      var (near, far) = (Doubles(), Doubles())
      var phase = 0
      while phase < step {
        let sample = first + phase
        var place = samples + (sample & (step - 1)) * rowLength + (sample >> stepExponent) + node
        var tap = phase
        while tap < taps {
          near = multiplyAdd(shares[tap], load(place), near)
          far = multiplyAdd(shares[tap], load(place + 8), far)
          place += 1
          tap += step
        }
        phase += 1
      }
      store(exponential(near), to: results + node)
      store(exponential(far), to: results + node + 8)
      node += 16
    }
    while count < node {
      node -= 1
      results[node] = 0
    }
  }

  @inline(never)
  package static func peak(
    of values: UnsafePointer<Double>, times samples: UnsafePointer<Double>, _ count: Int
  ) -> Int {
    var top = Doubles(repeating: -1)
    var places = Doubles()
    var here = Doubles(0, 1, 2, 3, 4, 5, 6, 7)
    var index = 0
    while index < count {
      let product = load(values + index) * load(samples + index)
      let isHigher = product .> top
      top = top.replacing(with: product, where: isHigher)
      places = places.replacing(with: here, where: isHigher)
      here += 8
      index += 8
    }
    var best = 0
    var lane = 1
    while lane < 8 {
      if top[lane] > top[best] { best = lane }
      lane += 1
    }
    return Int(places[best])
  }
}

// Two sums at a time, for derivatives: what they cost is the reading of samples.
extension VectorKernels {
  @inline(never)
  package static func weightedSums(
    _ weights: UnsafePointer<Double>, _ others: UnsafePointer<Double>, starts: UnsafePointer<Int>,
    reaches: UnsafePointer<Int>, count: Int, samples: UnsafePointer<Double>,
    sums: UnsafeMutablePointer<Double>,
    otherSums: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    var first = 0
    var node = 0
    while node < nodes {
      while first < count, reaches[first] <= node { first += 1 }
      var point = first
      let start = samples + node
      if node + 16 < nodes {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        var (e, f, g, h) = (Doubles(), Doubles(), Doubles(), Doubles())
        while point < count {
          let (weight, other, row) = (weights[point], others[point], start + starts[point])
          let (first, second, third, fourth) = (load(row), load(row + 8), load(row + 16), load(row + 24))
          a = multiplyAdd(weight, first, a)
          b = multiplyAdd(weight, second, b)
          c = multiplyAdd(weight, third, c)
          d = multiplyAdd(weight, fourth, d)
          e = multiplyAdd(other, first, e)
          f = multiplyAdd(other, second, f)
          g = multiplyAdd(other, third, g)
          h = multiplyAdd(other, fourth, h)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        store(c, to: sums + node + 16)
        store(d, to: sums + node + 24)
        store(e, to: otherSums + node)
        store(f, to: otherSums + node + 8)
        store(g, to: otherSums + node + 16)
        store(h, to: otherSums + node + 24)
        node += 32
      } else {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        while point < count {
          let row = start + starts[point]
          let (near, far) = (load(row), load(row + 8))
          a = multiplyAdd(weights[point], near, a)
          b = multiplyAdd(weights[point], far, b)
          c = multiplyAdd(others[point], near, c)
          d = multiplyAdd(others[point], far, d)
          point += 1
        }
        store(a, to: sums + node)
        store(b, to: sums + node + 8)
        store(c, to: otherSums + node)
        store(d, to: otherSums + node + 8)
        node += 16
      }
    }
  }

  @inline(never)
  package static func integrals(
    of values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, starts: UnsafePointer<Int>,
    reaches: UnsafePointer<Int>, count: Int, samples: UnsafePointer<Double>, factor: Double,
    results: UnsafeMutablePointer<Double>, otherResults: UnsafeMutablePointer<Double>
  ) {
    @inline(__always) func finish(_ point: Int, _ sums: Doubles, _ otherSums: Doubles, from node: Int) {
      let start = samples + starts[point]
      var (a, b, node) = (sums, otherSums, node)
      while node < reaches[point] {
        let sample = load(start + node)
        a = multiplyAdd(load(values + node), sample, a)
        b = multiplyAdd(load(others + node), sample, b)
        node += 8
      }
      results[point] = factor * laneSum(a)
      otherResults[point] = factor * laneSum(b)
    }
    var point = 0
    while point + 4 <= count {
      // Four points share the values; the first one's reach is the smallest.
      let (p, q) = (samples + starts[point], samples + starts[point + 1])
      let (r, s) = (samples + starts[point + 2], samples + starts[point + 3])
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      var (e, f, g, h) = (Doubles(), Doubles(), Doubles(), Doubles())
      var node = 0
      while node < reaches[point] {
        let (value, other) = (load(values + node), load(others + node))
        let (first, second, third, fourth) = (load(p + node), load(q + node), load(r + node), load(s + node))
        a = multiplyAdd(value, first, a)
        b = multiplyAdd(value, second, b)
        c = multiplyAdd(value, third, c)
        d = multiplyAdd(value, fourth, d)
        e = multiplyAdd(other, first, e)
        f = multiplyAdd(other, second, f)
        g = multiplyAdd(other, third, g)
        h = multiplyAdd(other, fourth, h)
        node += 8
      }
      finish(point, a, e, from: node)
      finish(point + 1, b, f, from: node)
      finish(point + 2, c, g, from: node)
      finish(point + 3, d, h, from: node)
      point += 4
    }
    while point < count {
      finish(point, Doubles(), Doubles(), from: 0)
      point += 1
    }
  }
}
