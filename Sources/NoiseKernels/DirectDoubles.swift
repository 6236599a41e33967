#if VARIANT
  import NoiseKernels
#endif

// Direct sums in Doubles, with twelve coefficients a cell.

/// A sum that begins with 1.5·2²⁰ keeps the bits of its terms from 2⁻³² on up, exactly. What a term has below goes into a
/// second sum.
private let splitter = 0x1.8p20

/// The value of a polynomial and its derivative.
@inline(__always)
private func polynomial(_ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ t: Doubles)
  -> (value: Doubles, slope: Doubles)
{
  var p = coefficients + 11 * rowLength
  var value = load(p)
  var slope = value
  p -= rowLength
  value = multiplyAdd(value, t, load(p))
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  return (value, slope)
}

/// A polynomial and its derivative, by one more coefficient.
@inline(__always)
private func lower(
  _ value: inout Doubles, _ slope: inout Doubles, _ t: Doubles, _ p: inout UnsafePointer<Double>,
  _ rowLength: Int
) {
  p -= rowLength
  slope = multiplyAdd(slope, t, value)
  value = multiplyAdd(value, t, load(p))
}

/// G and r·δ/2 of every class at the nodes.
@inline(never)
func sumDoubles(_ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ row: DirectRow) {
  let (nodes, count) = (row.nodes, row.classes)
  let (offsets, starts, reaches) = (row.offsets, row.starts, row.reaches)
  var node = 0
  while node < nodes {
    var reversedHazards = row.reversedHazards + node
    // Bits that a sum would lose are summed apart: so the order of the classes hardly matters.
    var (nearSum, nearRest) = (Doubles(repeating: splitter), Doubles())
    var (farSum, farRest) = (nearSum, nearRest)
    if node + 8 < nodes {
      for index in 0..<count {
        if reaches[index] > node {
          let t = Doubles(repeating: offsets[index])
          let start = coefficients + (starts[index] + node)
          let near = polynomial(start, rowLength, t)
          let far = polynomial(start + 8, rowLength, t)
          store(near.slope, to: reversedHazards)
          store(far.slope, to: reversedHazards + 8)
          let (nearNext, farNext) = (nearSum + near.value, farSum + far.value)
          nearRest += near.value - (nearNext - nearSum)
          farRest += far.value - (farNext - farSum)
          (nearSum, farSum) = (nearNext, farNext)
        }
        reversedHazards += nodes
      }
      store(direct(nearSum - splitter, nearRest), to: row.g + node)
      store(direct(farSum - splitter, farRest), to: row.g + (node + 8))
      node += 16
    } else {
      for index in 0..<count {
        if reaches[index] > node {
          let near = polynomial(
            coefficients + (starts[index] + node), rowLength, Doubles(repeating: offsets[index]))
          store(near.slope, to: reversedHazards)
          let next = nearSum + near.value
          nearRest += near.value - (next - nearSum)
          nearSum = next
        }
        reversedHazards += nodes
      }
      store(direct(nearSum - splitter, nearRest), to: row.g + node)
      node += 8
    }
  }
}

/// G: what is below e⁻⁶⁰⁰ matters to no class that is served.
@inline(__always)
private func direct(_ sum: Doubles, _ rest: Doubles) -> Doubles {
  moderateExponential(larger(sum + rest, Doubles(repeating: -600)))
}

/// Σ G·r·δ/2 of a class.
@inline(__always)
func dot(_ row: DirectRow, _ index: Int) -> Double {
  let (reversedHazards, reach) = (row.reversedHazards + row.nodes * index, row.reaches[index])
  var (a, b) = (Doubles(), Doubles())
  var node = 0
  while node + 8 < reach {
    a = multiplyAdd(load(row.g + node), load(reversedHazards + node), a)
    b = multiplyAdd(load(row.g + (node + 8)), load(reversedHazards + node + 8), b)
    node += 16
  }
  if node < reach { a = multiplyAdd(load(row.g + node), load(reversedHazards + node), a) }
  return laneSum(a + b)
}

/// G·Σ r_j and G·Σ w_j r_j at the nodes, with r times δ/2, for the weights w of the classes.
@inline(never)
func pairDoubles(
  _ row: DirectRow, weights: UnsafePointer<Double>, _ gR: UnsafeMutablePointer<Double>,
  _ gV: UnsafeMutablePointer<Double>
) {
  let (nodes, count, reaches) = (row.nodes, row.classes, row.reaches)
  forEachVector(of: nodes) { node in
    var reversedHazards = row.reversedHazards + node
    var (r, v) = (Doubles(), Doubles())
    for index in 0..<count {
      if reaches[index] > node {
        let reversedHazard = load(reversedHazards)
        r += reversedHazard
        v = multiplyAdd(weights[index], reversedHazard, v)
      }
      reversedHazards += nodes
    }
    let g = load(row.g + node)
    store(g * r, to: gR + node)
    store(g * v, to: gV + node)
  }
}

/// Σ r·gR and Σ r·gV of a class, with r times δ/2.
@inline(__always)
func pairDots(
  _ row: DirectRow, _ index: Int, _ gR: UnsafePointer<Double>, _ gV: UnsafePointer<Double>
) -> (r: Double, v: Double) {
  let (reversedHazards, reach) = (row.reversedHazards + row.nodes * index, row.reaches[index])
  var (r, v) = (Doubles(), Doubles())
  forEachVector(of: reach) { node in
    let reversedHazard = load(reversedHazards + node)
    r = multiplyAdd(load(gR + node), reversedHazard, r)
    v = multiplyAdd(load(gV + node), reversedHazard, v)
  }
  return (laneSum(r), laneSum(v))
}
