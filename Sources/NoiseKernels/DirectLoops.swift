#if VARIANT
  import NoiseKernels
#endif

// Rows of few classes without cells: log F and r of every class at every node.

private let rounder = 0x1.8p52
/// Sums that begin with it have their bits above 2⁻³² in one number; what that leaves of every term goes into another.
private let splitter = 0x1.8p20

@inline(__always)
private func integers(_ numbers: Doubles) -> Words {
  words(numbers + rounder) &- Words(repeating: Int64(bitPattern: rounder.bitPattern))
}

/// The largest whole number below or at a number; the one below for half of the whole numbers.
@inline(__always)
private func floor(_ numbers: Doubles) -> Doubles { ((numbers - 0.5) + rounder) - rounder }

/// Places, in the memory of a row, of what its classes have.
@inline(__always)
private func directRow(_ count: Int, _ memory: UnsafeMutablePointer<Double>, nodes: Int) -> (
  places: UnsafeMutablePointer<Double>, starts: UnsafeMutablePointer<Int>, row: DirectRow
) {
  let raw = UnsafeMutableRawPointer(memory)
  return (
    memory, (raw + 8 * count).assumingMemoryBound(to: Int.self),
    DirectRow(
      reaches: (raw + 16 * count).assumingMemoryBound(to: Int.self), g: memory + (3 * count + 8),
      hazards: memory + (3 * count + 16 + nodes))
  )
}

/// Fills the row's memory. `count` is padded to whole vectors.
@inline(__always)
private func directRow(
  _ gaps: UnsafePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
  lowest reach: UnsafePointer<Double>, memory: UnsafeMutablePointer<Double>
) -> DirectRow {
  let none = directRow(count, memory, nodes: 0).row
  let ignored = table.pointee.ignored
  var lowest = Doubles()
  var second = Doubles(repeating: -.infinity)
  var (leaders, open) = (Doubles(), Doubles())
  var index = 0
  while index < count {
    let gap = load(gaps + index)
    let isOpen = gap .>= ignored
    let leads = gap .== 0
    lowest = smaller(lowest, gap.replacing(with: 0, where: .!isOpen))
    second = larger(second, gap.replacing(with: -.infinity, where: leads))
    leaders += Doubles().replacing(with: 1, where: leads)
    open += Doubles().replacing(with: 1, where: isOpen)
    index += 8
  }
  let deepest = -largest(-lowest)
  if deepest < table.pointee.deepest { return none }
  let classes = Int(laneSum(open))
  let size = classes <= 4 ? 0 : (Int.bitWidth - 2) - (classes - 1).leadingZeroBitCount
  let step = table.pointee.steps + size
  let below = largest(second)
  let secondGap = laneSum(leaders) > 1 ? 0 : below < table.pointee.deepest ? table.pointee.deepest : below
  let perReach = table.pointee.perReach
  let (low, leaderLow) = (
    reach[Int(-deepest * perReach)], table.pointee.leaderReach[Int(-secondGap * perReach)]
  )
  let width = step.pointee.width
  let cells = step.pointee.cells
  let firstNode = Int(((low < leaderLow ? low : leaderLow) / width) - 1)
  let nodes = (Int(step.pointee.highest / width) - firstNode + 9) & ~7

  var (places, starts, row) = directRow(count, memory, nodes: nodes)
  row.nodes = nodes
  row.factor = width * 2 * table.pointee.perCell
  let perCell = table.pointee.perCell
  let firstPlace = Double(firstNode) * cells - table.pointee.firstCell
  let (end, endSlope) = (table.pointee.end, 1 - table.pointee.endSlope)
  let phaseLength = Double(table.pointee.terms * step.pointee.rowLength)
  let firstReach = 2 - Double(firstNode)
  index = 0
  while index < count {
    let gap = load(gaps + index)
    let isOpen = gap .>= ignored
    let position = -gap.replacing(with: 0, where: .!isOpen) * perCell
    let cell = floor(position)
    store(2 * (position - cell) - 1, to: places + index)
    let place = cell + firstPlace
    let turn = floor((place + 0.5) * (1 / cells))
    let start = (place - turn * cells) * phaseLength + turn
    UnsafeMutableRawPointer(starts + index).storeBytes(of: integers(start), as: Words.self)
    let reach = floor((end + gap.replacing(with: 0, where: .!isOpen) * endSlope) * (1 / width) + firstReach)
    let bounded = smaller(larger(reach, Doubles()), Doubles(repeating: Double(nodes)))
    UnsafeMutableRawPointer(row.reaches + index).storeBytes(
      of: integers(bounded.replacing(with: 0, where: .!isOpen)), as: Words.self)
    index += 8
  }
  index = 0
  while gaps[index] != deepest { index += 1 }
  row.rarest = index
  row.highestPeak = (table.pointee.peak + deepest) / width - Double(firstNode)
  if table.pointee.terms == 9 {
    sum(
      9, split: true, step.pointee.coefficients, rowLength: step.pointee.rowLength, places: places,
      starts: starts, count, row)
  } else {
    sum(
      5, split: false, step.pointee.coefficients, rowLength: step.pointee.rowLength, places: places,
      starts: starts, count, row)
  }
  return row
}

/// G and the hazards at the nodes.
@inline(__always)
private func sum(
  _ terms: Int, split: Bool, _ coefficients: UnsafePointer<Double>, rowLength: Int,
  places: UnsafePointer<Double>, starts: UnsafePointer<Int>, _ count: Int, _ row: DirectRow
) {
  let nodes = row.nodes
  var node = 0
  while node < nodes {
    let first = coefficients + node + (terms - 1) * rowLength
    let hazards = row.hazards + node
    if node + 8 < nodes {
      var (sumA, sumB) = split ? (Doubles(repeating: splitter), Doubles(repeating: splitter)) : (Doubles(), Doubles())
      var (restA, restB) = (Doubles(), Doubles())
      var index = 0
      while index < count {
        if row.reaches[index] > node {
          let t = Doubles(repeating: places[index])
          var p = first + starts[index]
          var (a, b) = (load(p), load(p + 8))
          p -= rowLength
          var (c, d) = (a, b)
          a = multiplyAdd(a, t, load(p))
          b = multiplyAdd(b, t, load(p + 8))
          var k = 2
          while k < terms {
            p -= rowLength
            c = multiplyAdd(c, t, a)
            d = multiplyAdd(d, t, b)
            a = multiplyAdd(a, t, load(p))
            b = multiplyAdd(b, t, load(p + 8))
            k += 1
          }
          store(c, to: hazards + nodes * index)
          store(d, to: hazards + (nodes * index + 8))
          if split {
            let (nextA, nextB) = (sumA + a, sumB + b)
            restA += a - (nextA - sumA)
            restB += b - (nextB - sumB)
            (sumA, sumB) = (nextA, nextB)
          } else {
            sumA += a
            sumB += b
          }
        }
        index += 1
      }
      if split {
        sumA = (sumA - splitter) + restA
        sumB = (sumB - splitter) + restB
      }
      store(moderateExponential(larger(sumA, Doubles(repeating: -600))), to: row.g + node)
      store(moderateExponential(larger(sumB, Doubles(repeating: -600))), to: row.g + (node + 8))
      node += 16
    } else {
      var sum = Doubles(repeating: split ? splitter : 0)
      var rest = Doubles()
      var index = 0
      while index < count {
        if row.reaches[index] > node {
          let t = Doubles(repeating: places[index])
          var p = first + starts[index]
          var a = load(p)
          p -= rowLength
          var c = a
          a = multiplyAdd(a, t, load(p))
          var k = 2
          while k < terms {
            p -= rowLength
            c = multiplyAdd(c, t, a)
            a = multiplyAdd(a, t, load(p))
            k += 1
          }
          store(c, to: hazards + nodes * index)
          if split {
            let next = sum + a
            rest += a - (next - sum)
            sum = next
          } else {
            sum += a
          }
        }
        index += 1
      }
      if split { sum = (sum - splitter) + rest }
      store(moderateExponential(larger(sum, Doubles(repeating: -600))), to: row.g + node)
      node += 8
    }
  }
}

/// Σ values·hazards of a class.
@inline(__always)
private func dot(_ row: DirectRow, _ values: UnsafePointer<Double>, _ index: Int) -> Double {
  let (hazards, reach) = (row.hazards + row.nodes * index, row.reaches[index])
  var (a, b) = (Doubles(), Doubles())
  var node = 0
  while node + 8 < reach {
    a = multiplyAdd(load(values + node), load(hazards + node), a)
    b = multiplyAdd(load(values + node + 8), load(hazards + node + 8), b)
    node += 16
  }
  if node < reach { a = multiplyAdd(load(values + node), load(hazards + node), a) }
  return laneSum(a + b)
}

/// Whether the nodes are too far apart for the rarest class.
@inline(__always)
private func isSharp(
  _ row: DirectRow, _ limit: Double, products: UnsafeMutablePointer<Double>
) -> Bool {
  let (hazards, reach) = (row.hazards + row.nodes * row.rarest, padded(row.reaches[row.rarest]))
  var node = 0
  while node < reach {
    store(load(row.g + node) * load(hazards + node), to: products + node)
    node += 8
  }
  // The first and the last node are no peaks.
  products[-1] = .infinity
  products[reach] = .infinity
  var sharp = Doubles()
  var places = Doubles(0, 1, 2, 3, 4, 5, 6, 7)
  node = 0
  while node < reach {
    let (before, here, after) = (load(products + node - 1), load(products + node), load(products + node + 1))
    let isPeak = here .>= before .& here .>= after
    let isSharp = here * here .> limit * before * after .| places .> row.highestPeak
    sharp = sharp.replacing(with: 1, where: isPeak .& isSharp)
    places += 8
    node += 8
  }
  return largest(sharp) > 0
}

extension VectorKernels {
  @inline(never)
  package static func directProbabilities(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
    memory: UnsafeMutablePointer<Double>
  ) -> Double {
    let row = directRow(gaps, count, table: table, lowest: table.pointee.reach, memory: memory)
    if row.nodes == 0 { return .nan }
    let products = row.hazards + (row.nodes * count + 8)
    if isSharp(row, table.pointee.sharpness, products: products) { return .nan }
    // The classes' places have been read.
    var index = 0
    while index < count {
      memory[index] = dot(row, row.g, index)
      index += 1
    }
    var sums = Doubles()
    index = 0
    while index < count {
      sums += load(memory + index)
      index += 8
    }
    let sum = laneSum(sums)
    let factor = 1 / sum
    index = 0
    while index < count {
      store(load(memory + index) * factor, to: gaps + index)
      index += 8
    }
    return sum * row.factor - 1
  }
}
