#if VARIANT
  import NoiseKernels
#endif

// Rows of few classes without cells: log F and r of every class at every node.

/// Sums that begin with it have their bits above 2⁻³² in one number; what that leaves of every term goes into another.
private let splitter = 0x1.8p20

/// Places, in the memory of a row, of what its classes have.
@inline(__always)
private func directRow(_ count: Int, _ memory: UnsafeMutablePointer<Double>, nodes: Int) -> DirectRow {
  let integers = UnsafeMutableRawPointer(memory + count).assumingMemoryBound(to: Int.self)
  return DirectRow(
    places: memory, starts: integers, reaches: integers + count, indices: integers + 2 * count,
    g: memory + (4 * count + 8), hazards: memory + (4 * count + 16 + nodes))
}

/// Fills the row's memory, at a step some sizes finer than its classes need. `count` is padded to whole vectors.
@inline(__always)
private func directRow(
  _ gaps: UnsafePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>, finer: Int,
  memory: UnsafeMutablePointer<Double>
) -> DirectRow {
  let none = directRow(count, memory, nodes: 0)
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
  // Two have a table of their own where nothing stands beside them, and should get the same where something does.
  if classes < 3 || classes > table.pointee.mostClasses { return none }
  let size = (classes <= 4 ? 0 : (Int.bitWidth - 2) - (classes - 1).leadingZeroBitCount) + finer
  if size >= table.pointee.stepCount { return none }
  let step = table.pointee.steps + size
  let below = largest(second)
  let secondGap = laneSum(leaders) > 1 ? 0 : below < table.pointee.deepest ? table.pointee.deepest : below
  let perReach = table.pointee.perReach
  let (low, leaderLow) = (
    table.pointee.reach[Int(-deepest * perReach)], table.pointee.leaderReach[Int(-secondGap * perReach)]
  )
  let width = step.pointee.width
  let firstNode = Int(((low < leaderLow ? low : leaderLow) / width) - 1)
  let nodes = (Int(step.pointee.highest / width) - firstNode + 9) & ~7

  if classes * nodes > table.pointee.mostEvaluations || nodes > table.pointee.mostNodes { return none }
  if Double(firstNode) * step.pointee.phases < step.pointee.firstCell { return none }
  var row = directRow(count, memory, nodes: nodes)
  row.nodes = nodes
  let (phases, cellWidth) = (step.pointee.phases, step.pointee.cell)
  row.factor = 2 * phases
  row.sharpness = step.pointee.sharpness
  let perCell = 1 / cellWidth
  let firstPlace = Double(firstNode) * phases - step.pointee.firstCell
  let (end, endSlope) = (table.pointee.end, 1 - table.pointee.endSlope)
  let phaseLength = Double(table.pointee.terms * step.pointee.rowLength)
  let firstReach = 2 - Double(firstNode)
  index = 0
  while index < count {
    let gap = load(gaps + index)
    let isOpen = gap .>= ignored
    let depth = -gap.replacing(with: 0, where: .!isOpen)
    let cell = floor(depth * perCell)
    store((depth - cell * cellWidth) * (2 * perCell) - 1, to: row.places + index)
    let place = cell + firstPlace
    let turn = floor((place + 0.5) * (1 / phases))
    let start = (place - turn * phases) * phaseLength + turn
    UnsafeMutableRawPointer(row.starts + index).storeBytes(of: integers(start), as: Words.self)
    let reach = floor((end - depth * endSlope) * (1 / width) + firstReach)
    let bounded = smaller(larger(reach, Doubles()), Doubles(repeating: Double(nodes)))
    UnsafeMutableRawPointer(row.reaches + index).storeBytes(
      of: integers(bounded.replacing(with: 0, where: .!isOpen)), as: Words.self)
    index += 8
  }
  // Those that have nodes, side by side: masked ones change no bit.
  index = 0
  while index < count {
    if row.reaches[index] > 0 {
      if gaps[index] == deepest { row.rarest = row.classes }
      row.places[row.classes] = row.places[index]
      row.starts[row.classes] = row.starts[index]
      row.reaches[row.classes] = row.reaches[index]
      row.indices[row.classes] = index
      row.classes += 1
    }
    index += 1
  }
  row.highestPeak = (table.pointee.peak + deepest) / width - Double(firstNode)
  if table.pointee.terms == 12 {
    sumOfTwelve(step.pointee.coefficients, step.pointee.rowLength, row)
  } else {
    sumOfSix(step.pointee.coefficients, step.pointee.rowLength, row)
  }
  return row
}

/// G and the hazards at the nodes, with twelve coefficients.
@inline(never)
private func sumOfTwelve(
  _ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ row: DirectRow
) {
  sum(12, coefficients, rowLength, row, split: true)
}

/// And with six.
@inline(never)
private func sumOfSix(
  _ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ row: DirectRow
) {
  sum(6, coefficients, rowLength, row, split: false)
}

/// The value of a polynomial and its derivative.
@inline(__always)
private func polynomial(_ terms: Int, _ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ t: Doubles)
  -> (
    value: Doubles, slope: Doubles
  )
{
  var p = coefficients + (terms - 1) * rowLength
  var value = load(p)
  var slope = value
  p -= rowLength
  value = multiplyAdd(value, t, load(p))
  if terms == 12 {
    lower(&value, &slope, t, &p, rowLength)
    lower(&value, &slope, t, &p, rowLength)
    lower(&value, &slope, t, &p, rowLength)
    lower(&value, &slope, t, &p, rowLength)
    lower(&value, &slope, t, &p, rowLength)
    lower(&value, &slope, t, &p, rowLength)
  }
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

@inline(__always)
private func sum(
  _ terms: Int, _ coefficients: UnsafePointer<Double>, _ rowLength: Int, _ row: DirectRow, split: Bool
) {
  let (nodes, count) = (row.nodes, row.classes)
  let (places, starts, reaches) = (row.places, row.starts, row.reaches)
  let none = Doubles(repeating: split ? splitter : 0)
  var node = 0
  while node < nodes {
    var hazards = row.hazards + node
    // Bits that a sum would lose are summed apart, so that their order matters little.
    var (nearSum, nearRest, farSum, farRest) = (none, Doubles(), none, Doubles())
    if node + 8 < nodes {
      var index = 0
      while index < count {
        if reaches[index] > node {
          let t = Doubles(repeating: places[index])
          let start = coefficients + (starts[index] + node)
          let near = polynomial(terms, start, rowLength, t)
          let far = polynomial(terms, start + 8, rowLength, t)
          store(near.slope, to: hazards)
          store(far.slope, to: hazards + 8)
          if split {
            let (nearNext, farNext) = (nearSum + near.value, farSum + far.value)
            nearRest += near.value - (nearNext - nearSum)
            farRest += far.value - (farNext - farSum)
            (nearSum, farSum) = (nearNext, farNext)
          } else {
            nearSum += near.value
            farSum += far.value
          }
        }
        hazards += nodes
        index += 1
      }
      store(direct(nearSum, nearRest, split: split), to: row.g + node)
      store(direct(farSum, farRest, split: split), to: row.g + (node + 8))
      node += 16
    } else {
      var index = 0
      while index < count {
        if reaches[index] > node {
          let near = polynomial(
            terms, coefficients + (starts[index] + node), rowLength, Doubles(repeating: places[index]))
          store(near.slope, to: hazards)
          if split {
            let next = nearSum + near.value
            nearRest += near.value - (next - nearSum)
            nearSum = next
          } else {
            nearSum += near.value
          }
        }
        hazards += nodes
        index += 1
      }
      store(direct(nearSum, nearRest, split: split), to: row.g + node)
      node += 8
    }
  }
}

/// G: what is below e⁻⁶⁰⁰ matters to no class that is served.
@inline(__always)
private func direct(_ sum: Doubles, _ rest: Doubles, split: Bool) -> Doubles {
  let logG = split ? (sum - splitter) + rest : sum
  return moderateExponential(larger(logG, Doubles(repeating: -600)))
}

/// Σ G·hazard of a class.
@inline(__always)
private func dot(_ row: DirectRow, _ index: Int) -> Double {
  let (hazards, reach) = (row.hazards + row.nodes * index, row.reaches[index])
  var (a, b) = (Doubles(), Doubles())
  var node = 0
  while node + 8 < reach {
    a = multiplyAdd(load(row.g + node), load(hazards + node), a)
    b = multiplyAdd(load(row.g + (node + 8)), load(hazards + node + 8), b)
    node += 16
  }
  if node < reach { a = multiplyAdd(load(row.g + node), load(hazards + node), a) }
  return laneSum(a + b)
}

/// Whether the nodes are too far apart for the rarest class.
@inline(__always)
private func isSharp(
  _ row: DirectRow, products: UnsafeMutablePointer<Double>
) -> Bool {
  let limit = row.sharpness
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
    var finer = 0
    var row: DirectRow
    repeat {
      row = directRow(gaps, count, table: table, finer: finer, memory: memory)
      if row.nodes == 0 { return .nan }
      finer += 1
    } while isSharp(row, products: row.hazards + (row.nodes * row.classes + 8))
    // The classes' places have been read.
    var sum = 0.0
    var slot = 0
    while slot < row.classes {
      row.places[slot] = dot(row, slot)
      sum += row.places[slot]
      slot += 1
    }
    let total = sum * row.factor
    if !(total > 0.999 && total < 1.001) { return .nan }
    let factor = 1 / sum
    var index = 0
    while index < count {
      store(Doubles(), to: gaps + index)
      index += 8
    }
    slot = 0
    while slot < row.classes {
      gaps[row.indices[slot]] = row.places[slot] * factor
      slot += 1
    }
    return total - 1
  }
}
