#if VARIANT
  import NoiseKernels
#endif

// Direct sums in Floats, with six coefficients a cell.

/// A sum that begins with 1.5·2¹³ keeps the bits of its terms from 2⁻¹⁰ on up, exactly. What a term has below goes into a
/// second sum.
private let splitter: Float = 0x1.8p13

/// G is multiplied by this: then a Float shows G wherever it is a factor of a probability that a Float can show.
let directScale = 0x1p60

@inline(__always)
func singles(_ p: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<Float> {
  UnsafeMutableRawPointer(p).assumingMemoryBound(to: Float.self)
}

/// The value of a polynomial and its derivative.
@inline(__always)
private func polynomial(_ coefficients: UnsafePointer<Float>, _ rowLength: Int, _ t: Floats)
  -> (value: Floats, slope: Floats)
{
  var p = coefficients + 5 * rowLength
  var value = load(p)
  var slope = value
  p -= rowLength
  value = multiplyAdd(value, t, load(p))
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  lower(&value, &slope, t, &p, rowLength)
  return (value, slope)
}

@inline(__always)
private func lower(
  _ value: inout Floats, _ slope: inout Floats, _ t: Floats, _ p: inout UnsafePointer<Float>, _ rowLength: Int
) {
  p -= rowLength
  slope = multiplyAdd(slope, t, value)
  value = multiplyAdd(value, t, load(p))
}

/// 2⁶⁰ G and r·δ/2 of every class at the nodes, in half the memory.
@inline(never)
func sumFloats(_ coefficients: UnsafePointer<Float>, _ rowLength: Int, _ row: DirectRow) {
  let (nodes, count) = (row.nodes, row.classes)
  let (offsets, starts, reaches) = (row.offsets, row.starts, row.reaches)
  let (g, rests) = (singles(row.g), singles(row.g) + nodes)
  var node = 0
  while node < nodes {
    var reversedHazards = singles(row.reversedHazards) + node
    var (sum, rest) = (Floats(repeating: splitter), Floats())
    for index in 0..<count {
      if reaches[index] > node {
        let own = polynomial(
          coefficients + (starts[index] + node), rowLength, Floats(repeating: Float(offsets[index])))
        store(own.slope, to: reversedHazards)
        let next = sum + own.value
        rest += own.value - (next - sum)
        sum = next
      }
      reversedHazards += nodes
    }
    store(sum - splitter, to: g + node)
    store(rest, to: rests + node)
    node += 16
  }
  forEachVector(of: nodes) { node in
    let logG = doubles(at: g + node) + doubles(at: rests + node)
    let scaled = moderateExponential(larger(logG, Doubles(repeating: -600))) * directScale
    let shown = scaled.replacing(with: 0, where: logG .< -120)
    storeFloats(shown, to: g + node)
  }
}

/// 2⁶⁰ Σ G·r·δ/2 of a class.
@inline(__always)
func singleDot(_ row: DirectRow, _ index: Int) -> Double {
  let (g, reversedHazards, reach) = (
    singles(row.g), singles(row.reversedHazards) + row.nodes * index, row.reaches[index]
  )
  var sum = Floats()
  var node = 0
  while node < reach {
    sum = multiplyAdd(load(g + node), load(reversedHazards + node), sum)
    node += 16
  }
  return laneSum(sum)
}

@inline(__always)
private func laneSum(_ v: Floats) -> Double { laneSum(doubles(folding: v)) }

/// 2⁶⁰ G·Σ r_j and 2⁶⁰ G·Σ w_j r_j at the nodes, with r times δ/2, for weights w that Floats can show.
@inline(never)
func pairFloats(
  _ row: DirectRow, weights: UnsafePointer<Double>, _ gR: UnsafeMutablePointer<Float>,
  _ gV: UnsafeMutablePointer<Float>
) {
  let (nodes, count, reaches) = (row.nodes, row.classes, row.reaches)
  let g = singles(row.g)
  var node = 0
  while node < nodes {
    var reversedHazards = singles(row.reversedHazards) + node
    var (r, v) = (Floats(), Floats())
    for index in 0..<count {
      if reaches[index] > node {
        let reversedHazard = load(reversedHazards)
        r += reversedHazard
        v = multiplyAdd(Float(weights[index]), reversedHazard, v)
      }
      reversedHazards += nodes
    }
    store(load(g + node) * r, to: gR + node)
    store(load(g + node) * v, to: gV + node)
    node += 16
  }
}

/// Σ r·gR and Σ r·gV of a class, with r times δ/2.
@inline(__always)
func pairDots(
  _ row: DirectRow, _ index: Int, _ gR: UnsafePointer<Float>, _ gV: UnsafePointer<Float>
) -> (r: Double, v: Double) {
  let (reversedHazards, reach) = (singles(row.reversedHazards) + row.nodes * index, row.reaches[index])
  var (r, v) = (Floats(), Floats())
  var node = 0
  while node < reach {
    let reversedHazard = load(reversedHazards + node)
    r = multiplyAdd(load(gR + node), reversedHazard, r)
    v = multiplyAdd(load(gV + node), reversedHazard, v)
    node += 16
  }
  return (laneSum(r), laneSum(v))
}
