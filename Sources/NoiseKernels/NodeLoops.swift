#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the nodes of the integral.

extension VectorKernels {
  @inline(never)
  package static func locate(
    _ points: UnsafePointer<Int>, _ count: Int, on nodes: NodeGrid, in layout: SampleLayout,
    starts: UnsafeMutablePointer<Int>
  ) {
    let (step, rowLength, stride) = (nodes.step, layout.rowLength, 1 << nodes.strideExponent)
    // A sample n stands in row n mod step, at n / step. From point to point, and from block to block, n falls by one number: so
    // n mod step falls by one number, too, or is then raised by the step.
    @inline(__always) func fall(_ points: Int) -> (remainder: Int, start: Int) {
      let (quotient, remainder) = ((points * stride) / step, (points * stride) % step)
      return (remainder, remainder * rowLength + quotient)
    }
    let (fall, blockFall) = (fall(1), fall(8))
    let rise = Int64(step * rowLength - 1)
    @inline(__always) func lower(_ remainders: inout Words, _ starts: inout Words, by fall: (Int, Int)) {
      remainders &-= Words(repeating: Int64(fall.0))
      starts &-= Words(repeating: Int64(fall.1))
      let isBelow = remainders .< Words()
      remainders = remainders.replacing(with: remainders &+ Words(repeating: Int64(step)), where: isBelow)
      starts = starts.replacing(with: starts &+ Words(repeating: rise), where: isBelow)
    }
    var (remainders, result) = (Words(), Words())
    var index = 0
    while index < count {
      if index > 0, points[index] == points[index - 8] + 8 {
        lower(&remainders, &result, by: blockFall)
      } else {
        let offset = nodes.start - points[index] * stride
        var quotient = floorQuotient(offset, step)
        var remainder = offset - quotient * step
        var lane = 0
        while lane < 8 {
          remainders[lane] = Int64(remainder)
          result[lane] = Int64(remainder * rowLength + quotient)
          remainder -= fall.remainder
          quotient -= stride / step
          if remainder < 0 {
            remainder += step
            quotient -= 1
          }
          lane += 1
        }
      }
      UnsafeMutableRawPointer(starts + index).storeBytes(of: result, as: Words.self)
      index += 8
    }
  }

  @inline(never)
  package static func walkDown(
    from nodes: Int, on grid: NodeGrid, weights: UnsafePointer<Double>, points: UnsafePointer<Int>,
    starts: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>, below end: Int,
    until stop: WalkEnd, logarithms: UnsafeMutablePointer<Double>
  ) -> Int {
    var first = count
    var node = nodes
    var top = -Double.infinity
    while node > 0 {
      node -= 32
      let lowest = firstPoint(at: node, on: grid, below: end)
      while first > 0, points[first - 8] + 7 >= lowest { first -= 8 }
      sums(at: node, weights, starts: starts, from: first, to: count, samples: samples, to: logarithms)
      guard let reversedHazards = stop.logReversedHazards else { continue }
      let logarithm = logarithms[node]
      let value = logarithm + stop.factor * reversedHazards[node * grid.step]
      if value > top { top = value }
      let hasFallen = value < top - stop.drop
      if hasFallen || logarithm < stop.leastLogarithm {
        // Of these 32 nodes the lowest eights that do not matter are left out, too. If the walk ends by log G alone, the
        // integrand may still rise, and tells nothing.
        var lane = 8
        while lane < 32 {
          let logarithm = logarithms[node + lane]
          let value = logarithm + stop.factor * reversedHazards[(node + lane) * grid.step]
          if !(hasFallen && value < top - stop.drop || logarithm < stop.leastLogarithm) { break }
          lane += 8
        }
        return node + lane - 8
      }
    }
    return 0
  }

  /// Σ_p weights_p · samples[starts_p + m] at 32 nodes.
  @inline(__always)
  private static func sums(
    at node: Int, _ weights: UnsafePointer<Double>, starts: UnsafePointer<Int>, from first: Int,
    to end: Int, samples: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>
  ) {
    let sum = sumOfRows(samples + node, starts, times: weights, from: first, to: end)
    store(sum.0, to: sums + node)
    store(sum.1, to: sums + node + 8)
    store(sum.2, to: sums + node + 16)
    store(sum.3, to: sums + node + 24)
  }

  @inline(never)
  package static func weightedSums(
    _ weights: UnsafePointer<Double>, points: UnsafePointer<Int>, starts: UnsafePointer<Int>, _ count: Int,
    on grid: NodeGrid, samples: UnsafePointer<Double>, below end: Int,
    sums results: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    var first = 0
    var node = 0
    while node < nodes {
      let lowest = firstPoint(at: node, on: grid, below: end)
      while first < count, points[first] + 7 < lowest { first += 8 }
      sums(at: node, weights, starts: starts, from: first, to: count, samples: samples, to: results)
      node += 32
    }
  }

  @inline(never)
  package static func locate(
    nodes: Int, on grid: NodeGrid, in layout: SampleLayout, slots: UnsafeMutablePointer<Int>
  ) {
    let (shift, mask) = (grid.strideExponent, 1 << grid.strideExponent - 1)
    var offset = grid.start
    var node = 0
    while node < nodes {
      slots[node] = (offset & mask) * layout.rowLength + (layout.lastOfRow - (offset >> shift))
      offset += grid.step
      node += 1
    }
  }

  @inline(never)
  package static func integrals(
    of values: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid, slots: UnsafePointer<Int>,
    points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>, below last: Int,
    factor: Double, results: UnsafeMutablePointer<Double>
  ) {
    var point = 0
    while point < count {
      let start = samples + points[point]
      if point + 32 <= count, points[point + 24] == points[point] + 24 {
        let end = reach(of: points[point] + 31, on: grid, below: last, nodes)
        let sum = sumOfRows(start, slots, times: values, from: 0, to: end)
        store(factor * sum.0, to: results + point)
        store(factor * sum.1, to: results + (point + 8))
        store(factor * sum.2, to: results + (point + 16))
        store(factor * sum.3, to: results + (point + 24))
        point += 32
      } else {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        let end = reach(of: points[point] + 7, on: grid, below: last, nodes)
        var node = 0
        while node + 3 < end {
          a = multiplyAdd(values[node], load(start + slots[node]), a)
          b = multiplyAdd(values[node + 1], load(start + slots[node + 1]), b)
          c = multiplyAdd(values[node + 2], load(start + slots[node + 2]), c)
          d = multiplyAdd(values[node + 3], load(start + slots[node + 3]), d)
          node += 4
        }
        while node < end {
          a = multiplyAdd(values[node], load(start + slots[node]), a)
          node += 1
        }
        store(factor * ((a + b) + (c + d)), to: results + point)
        point += 8
      }
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
}

// Two sums at a time, for derivatives: what they cost is the reading of samples.
extension VectorKernels {
  @inline(never)
  package static func weightedSums(
    _ weights: UnsafePointer<Double>, _ others: UnsafePointer<Double>, points: UnsafePointer<Int>,
    _ count: Int, on grid: NodeGrid, slots: UnsafePointer<Int>, samples: UnsafePointer<Double>,
    below end: Int, sums: UnsafeMutablePointer<Double>, otherSums: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    var first = 0
    var node = 0
    while node < nodes {
      let lowest = firstPoint(at: node, on: grid, below: end)
      while first < count, points[first] + 7 < lowest { first += 8 }
      let (p, q) = (samples + slots[node], samples + slots[node + 1])
      let (r, s) = (samples + slots[node + 2], samples + slots[node + 3])
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      var (e, f, g, h) = (Doubles(), Doubles(), Doubles(), Doubles())
      var index = first
      while index < count {
        let (weight, other, point) = (load(weights + index), load(others + index), points[index])
        let (x, y, z, w) = (load(p + point), load(q + point), load(r + point), load(s + point))
        a = multiplyAdd(weight, x, a)
        b = multiplyAdd(weight, y, b)
        c = multiplyAdd(weight, z, c)
        d = multiplyAdd(weight, w, d)
        e = multiplyAdd(other, x, e)
        f = multiplyAdd(other, y, f)
        g = multiplyAdd(other, z, g)
        h = multiplyAdd(other, w, h)
        index += 8
      }
      let results = sumsOfLanes(a, b, c, d, e, f, g, h)
      UnsafeMutableRawPointer(sums + node).storeBytes(of: results.lowHalf, as: SIMD4<Double>.self)
      UnsafeMutableRawPointer(otherSums + node).storeBytes(of: results.highHalf, as: SIMD4<Double>.self)
      node += 4
    }
  }

  @inline(never)
  package static func integrals(
    of values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid,
    slots: UnsafePointer<Int>, points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>,
    below last: Int, factor: Double, results: UnsafeMutablePointer<Double>,
    otherResults: UnsafeMutablePointer<Double>
  ) {
    var point = 0
    while point < count {
      let start = samples + points[point]
      if point + 16 <= count, points[point + 8] == points[point] + 8 {
        var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
        var (e, f, g, h) = (Doubles(), Doubles(), Doubles(), Doubles())
        let end = reach(of: points[point] + 15, on: grid, below: last, nodes)
        var node = 0
        while node + 1 < end {
          let (value, other, row) = (values[node], others[node], start + slots[node])
          let (near, far) = (load(row), load(row + 8))
          a = multiplyAdd(value, near, a)
          b = multiplyAdd(value, far, b)
          c = multiplyAdd(other, near, c)
          d = multiplyAdd(other, far, d)
          let (next, nextOther, nextRow) = (values[node + 1], others[node + 1], start + slots[node + 1])
          let (nextNear, nextFar) = (load(nextRow), load(nextRow + 8))
          e = multiplyAdd(next, nextNear, e)
          f = multiplyAdd(next, nextFar, f)
          g = multiplyAdd(nextOther, nextNear, g)
          h = multiplyAdd(nextOther, nextFar, h)
          node += 2
        }
        if node < end {
          let (near, far) = (load(start + slots[node]), load(start + slots[node] + 8))
          a = multiplyAdd(values[node], near, a)
          b = multiplyAdd(values[node], far, b)
          c = multiplyAdd(others[node], near, c)
          d = multiplyAdd(others[node], far, d)
        }
        store(factor * (a + e), to: results + point)
        store(factor * (b + f), to: results + (point + 8))
        store(factor * (c + g), to: otherResults + point)
        store(factor * (d + h), to: otherResults + (point + 8))
        point += 16
      } else {
        var (a, b) = (Doubles(), Doubles())
        let end = reach(of: points[point] + 7, on: grid, below: last, nodes)
        var node = 0
        while node < end {
          let near = load(start + slots[node])
          a = multiplyAdd(values[node], near, a)
          b = multiplyAdd(others[node], near, b)
          node += 1
        }
        store(factor * a, to: results + point)
        store(factor * b, to: otherResults + point)
        point += 8
      }
    }
  }
}

/// Σ_i factors_i · (the 32 numbers from offsets_i on), two rows at a time, so that sums wait for each other half as long.
@inline(__always)
private func sumOfRows(
  _ numbers: UnsafePointer<Double>, _ offsets: UnsafePointer<Int>, times factors: UnsafePointer<Double>,
  from first: Int, to end: Int
) -> (Doubles, Doubles, Doubles, Doubles) {
  var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
  var (e, f, g, h) = (Doubles(), Doubles(), Doubles(), Doubles())
  var index = first
  while index + 1 < end {
    let (factor, row) = (factors[index], numbers + offsets[index])
    let (next, nextRow) = (factors[index + 1], numbers + offsets[index + 1])
    a = multiplyAdd(factor, load(row), a)
    b = multiplyAdd(factor, load(row + 8), b)
    c = multiplyAdd(factor, load(row + 16), c)
    d = multiplyAdd(factor, load(row + 24), d)
    e = multiplyAdd(next, load(nextRow), e)
    f = multiplyAdd(next, load(nextRow + 8), f)
    g = multiplyAdd(next, load(nextRow + 16), g)
    h = multiplyAdd(next, load(nextRow + 24), h)
    index += 2
  }
  if index < end {
    let (factor, row) = (factors[index], numbers + offsets[index])
    a = multiplyAdd(factor, load(row), a)
    b = multiplyAdd(factor, load(row + 8), b)
    c = multiplyAdd(factor, load(row + 16), c)
    d = multiplyAdd(factor, load(row + 24), d)
  }
  return (a + e, b + f, c + g, d + h)
}

// Functions of this file: methods of a type that the variants share would be code that they share.

/// The first point whose sample at a node has a number below `end`.
@inline(__always)
private func firstPoint(at node: Int, on grid: NodeGrid, below end: Int) -> Int {
  (grid.start + node * grid.step - end) >> grid.strideExponent + 1
}

/// How many nodes, from the first on, have a sample below `end` at a point.
@inline(__always)
private func reach(of point: Int, on grid: NodeGrid, below end: Int, _ nodes: Int) -> Int {
  let reach = floorQuotient(
    end - (grid.start - point << grid.strideExponent) + grid.step - 1, grid.step)
  return reach < 0 ? 0 : reach > nodes ? nodes : reach
}

/// The quotient rounded down, for a positive divisor.
@inline(__always)
private func floorQuotient(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }
