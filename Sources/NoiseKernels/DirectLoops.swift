#if VARIANT
  import NoiseKernels
#endif

// Rows of few classes without cells: log F and r of every class at every node.

/// Divides the memory of a row into its lists.
@inline(__always)
private func directRow(_ count: Int, _ memory: UnsafeMutablePointer<Double>, nodes: Int) -> DirectRow {
  let integers = UnsafeMutableRawPointer(memory + count).assumingMemoryBound(to: Int.self)
  return DirectRow(
    offsets: memory, starts: integers, reaches: integers + count, indices: integers + 2 * count,
    g: memory + (4 * count + 8), reversedHazards: memory + (4 * count + 16 + nodes))
}

/// Chooses the nodes of a row, and fills in G and r at them. `finer` says how many sizes finer the step is than the number of
/// classes asks for; `count` is padded to whole vectors.
///
/// - Returns: The row, without nodes where the table does not serve it.
@inline(__always)
private func directRow(
  _ gaps: UnsafePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>, pairs: Bool,
  logarithms: Bool, finer: Int, memory: UnsafeMutablePointer<Double>
) -> DirectRow {
  let none = directRow(count, memory, nodes: 0)
  // Classes that are as good as masked have a logarithm all the same.
  let ignored = logarithms ? -Double.greatestFiniteMagnitude : table.pointee.ignored
  var lowest = Doubles()
  var second = Doubles(repeating: -.infinity)
  var (leaders, open) = (Doubles(), Doubles())
  forEachVector(of: count) { index in
    let gap = load(gaps + index)
    let isOpen = gap .>= ignored
    let leads = gap .== 0
    lowest = smaller(lowest, gap.replacing(with: 0, where: .!isOpen))
    second = larger(second, gap.replacing(with: -.infinity, where: leads))
    leaders += Doubles().replacing(with: 1, where: leads)
    open += Doubles().replacing(with: 1, where: isOpen)
  }
  let deepest = -largest(-lowest)
  if deepest < table.pointee.deepest { return none }
  let classes = Int(laneSum(open))
  // Two classes alone have their probabilities from a table that the lattice made. Beside classes that are as good as masked
  // they should get the same: from the lattice.
  if classes < (pairs || logarithms ? 2 : 3) || classes > table.pointee.mostClasses { return none }
  let size = (classes <= 4 ? 0 : (Int.bitWidth - 2) - (classes - 1).leadingZeroBitCount) + finer
  if size >= table.pointee.stepCount { return none }
  let step = table.pointee.steps + size
  let below = largest(second)
  let secondGap = laneSum(leaders) > 1 ? 0 : below < table.pointee.deepest ? table.pointee.deepest : below
  let perReach = table.pointee.perReach
  let (low, leaderLow) = (
    (pairs ? table.pointee.pairReach : table.pointee.reach)[Int(-deepest * perReach)],
    table.pointee.leaderReach[Int(-secondGap * perReach)]
  )
  let width = step.pointee.width
  let firstNode = Int(((low < leaderLow ? low : leaderLow) / width) - 1)
  let lanes = table.pointee.terms == 12 ? 8 : 16
  let nodes = (Int(step.pointee.highest / width) - firstNode + lanes) & -lanes

  let most = pairs ? table.pointee.mostPairEvaluations : table.pointee.mostEvaluations
  if classes * nodes > most || nodes > table.pointee.mostNodes { return none }
  if Double(firstNode) * step.pointee.phases < step.pointee.firstCell { return none }
  var row = directRow(count, memory, nodes: nodes)
  row.nodes = nodes
  let (phases, cellWidth) = (step.pointee.phases, step.pointee.cell)
  row.factor = 2 * phases
  row.pairFactor = row.factor * (2 / cellWidth)
  row.sharpness = step.pointee.sharpness
  let perCell = 1 / cellWidth
  let firstPosition = Double(firstNode) * phases - step.pointee.firstCell
  let (end, endSlope) = (table.pointee.end, 1 - table.pointee.endSlope)
  let phaseLength = Double(table.pointee.terms * step.pointee.rowLength)
  let firstReach = 2 - Double(firstNode)
  forEachVector(of: count) { index in
    let gap = load(gaps + index)
    let isOpen = gap .>= ignored
    let depth = -gap.replacing(with: 0, where: .!isOpen)
    let cell = floor(depth * perCell)
    store((depth - cell * cellWidth) * (2 * perCell) - 1, to: row.offsets + index)
    let position = cell + firstPosition
    let turn = floor((position + 0.5) * (1 / phases))
    let start = (position - turn * phases) * phaseLength + turn
    UnsafeMutableRawPointer(row.starts + index).storeBytes(of: integers(start), as: Words.self)
    let reach = floor((end - depth * endSlope) * (1 / width) + firstReach)
    let bounded = smaller(larger(reach, Doubles()), Doubles(repeating: Double(nodes)))
    UnsafeMutableRawPointer(row.reaches + index).storeBytes(
      of: integers(bounded.replacing(with: 0, where: .!isOpen)), as: Words.self)
  }
  // Moves the classes that have nodes side by side: so masked ones between them change no bit.
  for index in 0..<count {
    if row.reaches[index] > 0 {
      if gaps[index] == deepest { row.rarest = row.classes }
      if gaps[index] == 0 && row.leader < 0 { row.leader = row.classes }
      row.offsets[row.classes] = row.offsets[index]
      row.starts[row.classes] = row.starts[index]
      row.reaches[row.classes] = row.reaches[index]
      row.indices[row.classes] = index
      row.classes += 1
    }
  }
  if row.classes < classes { return none }
  row.highestPeak = (table.pointee.peak + deepest) / width - Double(firstNode)
  if table.pointee.terms == 12 {
    sumDoubles(step.pointee.coefficients.assumingMemoryBound(to: Double.self), step.pointee.rowLength, row)
  } else {
    sumFloats(step.pointee.coefficients.assumingMemoryBound(to: Float.self), step.pointee.rowLength, row)
  }
  return row
}

/// Whether the nodes are too far apart for the rarest class, and whether it has its peak so far above its logit that the
/// polynomials do not follow r there, at any step.
@inline(__always)
private func sharpness(_ row: DirectRow, single: Bool, products: UnsafeMutablePointer<Double>)
  -> (isSharp: Bool, isSteep: Bool)
{
  let limit = row.sharpness
  let reach = padded(row.reaches[row.rarest])
  if single {
    let (g, reversedHazards) = (singles(row.g), singles(row.reversedHazards) + row.nodes * row.rarest)
    forEachVector(of: reach) { node in
      store(doubles(at: g + node) * doubles(at: reversedHazards + node), to: products + node)
    }
  } else {
    let reversedHazards = row.reversedHazards + row.nodes * row.rarest
    forEachVector(of: reach) { node in
      store(load(row.g + node) * load(reversedHazards + node), to: products + node)
    }
  }
  // The first and the last node are no peaks.
  products[-1] = .infinity
  products[reach] = .infinity
  var (sharp, steep) = (Doubles(), Doubles())
  var indices = Doubles(0, 1, 2, 3, 4, 5, 6, 7)
  forEachVector(of: reach) { node in
    let (before, here, after) = (load(products + node - 1), load(products + node), load(products + node + 1))
    let isPeak = here .>= before .& here .>= after
    sharp = sharp.replacing(with: 1, where: isPeak .& (here * here .> limit * before * after))
    steep = steep.replacing(with: 1, where: isPeak .& (indices .> row.highestPeak))
    indices += 8
  }
  return (largest(sharp) > 0, largest(steep) > 0)
}

/// A row at a step fine enough for its rarest class, with its `probabilities`, which take the memory of the offsets; without
/// nodes where the table does not serve it.
///
/// - Returns: The row and Σp before the probabilities were divided by it.
@inline(__always)
private func summedRow(
  _ gaps: UnsafePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>, pairs: Bool,
  logarithms: Bool, memory: UnsafeMutablePointer<Double>
) -> (row: DirectRow, total: Double) {
  let single = table.pointee.terms != 12
  var finer = 0
  var row: DirectRow
  while true {
    row = directRow(
      gaps, count, table: table, pairs: pairs, logarithms: logarithms, finer: finer, memory: memory)
    if row.nodes == 0 { return (row, 0) }
    let (isSharp, isSteep) = sharpness(row, single: single, products: row.spare + 8)
    if isSteep {
      row.nodes = 0
      return (row, 0)
    }
    if !isSharp { break }
    finer += 1
  }
  var sum = 0.0
  for slot in 0..<row.classes {
    row.probabilities[slot] = single ? singleDot(row, slot) : dot(row, slot)
    sum += row.probabilities[slot]
  }
  let total = single ? sum * row.factor * (1 / directScale) : sum * row.factor
  // A logarithm would show what G has lost as a Float: rows with a class below 1e-30 are not served.
  if !(total > 0.999 && total < 1.001) || logarithms && !(row.probabilities[row.rarest] >= 1e-30 * sum) {
    row.nodes = 0
  }
  let factor = 1 / sum
  for slot in 0..<row.classes {
    row.probabilities[slot] *= factor
  }
  return (row, total)
}

/// Writes the values of the classes to their indices in the row, and to all others what masked classes have.
@inline(__always)
private func write(
  _ values: UnsafePointer<Double>, of row: DirectRow, masked: Double, to result: UnsafeMutablePointer<Double>,
  _ count: Int
) {
  forEachVector(of: count) { index in
    store(Doubles(repeating: masked), to: result + index)
  }
  for index in 0..<row.classes {
    result[row.indices[index]] = values[index]
  }
}

extension VectorKernels {
  @inline(never)
  package static func directProbabilities(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
    memory: UnsafeMutablePointer<Double>
  ) -> Double {
    let (row, total) = summedRow(gaps, count, table: table, pairs: false, logarithms: false, memory: memory)
    if row.nodes == 0 { return .nan }
    write(row.probabilities, of: row, masked: 0, to: gaps, count)
    return total - 1
  }

  @inline(never)
  package static func directLogProbabilities(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
    memory: UnsafeMutablePointer<Double>
  ) -> Double {
    let (row, total) = summedRow(gaps, count, table: table, pairs: false, logarithms: true, memory: memory)
    if row.nodes == 0 { return .nan }
    // A leader with more than ½ has log p = log(1 − Σ of the others): it keeps its digits however near 0 it is.
    var others = 0.0
    let likely = row.probabilities[row.leader] > 0.5
    for slot in 0..<row.classes {
      if slot != row.leader { others += row.probabilities[slot] }
    }
    let remainder = 1 - others
    if likely { row.probabilities[row.leader] = remainder }
    logarithms(of: row.probabilities, row.classes, shift: 0, to: row.probabilities)
    // log(1 − s) = log m · s/(1 − m), but for rounding, where m is 1 − s rounded.
    if likely {
      row.probabilities[row.leader] =
        remainder == 1 ? -others : row.probabilities[row.leader] * (others / (1 - remainder))
    }
    write(row.probabilities, of: row, masked: -.infinity, to: gaps, count)
    return total - 1
  }

  @inline(never)
  package static func directPullback(
    _ v: UnsafeMutablePointer<Double>, at gaps: UnsafeMutablePointer<Double>, _ count: Int,
    ofLogarithms: Bool, table: UnsafePointer<DirectTable>, memory: UnsafeMutablePointer<Double>
  ) -> Bool {
    let (row, _) = summedRow(
      gaps, count, table: table, pairs: true, logarithms: ofLogarithms, memory: memory)
    if row.nodes == 0 { return false }
    // Relative to the leader's, so that nothing cancels where a row saturates.
    let (gR, gV, weights) = (row.spare, row.spare + row.nodes, row.spare + 2 * row.nodes)
    let p = row.probabilities
    let reference = ofLogarithms ? v[row.indices[row.leader]] / p[row.leader] : v[row.indices[row.leader]]
    var largest = 0.0
    for slot in 0..<row.classes {
      let own = v[row.indices[slot]]
      weights[slot] = (ofLogarithms ? own / p[slot] : own) - reference
      let size = weights[slot].magnitude
      if size > largest { largest = size }
    }
    // In units of the largest, products with two reversed hazards and 2⁶⁰ stay in range.
    if !(largest < 0x1p900) { return false }
    let unit = largest < 0x1p-900 ? 0x1p-900 : largest
    let perUnit = 1 / unit
    for slot in 0..<row.classes {
      weights[slot] *= perUnit
    }
    let single = table.pointee.terms != 12
    if single {
      pairFloats(row, weights: weights, singles(gR), singles(gV))
    } else {
      pairDoubles(row, weights: weights, gR, gV)
    }
    let factor = unit * (single ? row.pairFactor * (1 / directScale) : row.pairFactor)
    var others = (high: 0.0, low: 0.0)
    for slot in 0..<row.classes {
      let sums =
        single ? pairDots(row, slot, singles(gR), singles(gV)) : pairDots(row, slot, gR, gV)
      weights[slot] = factor * (weights[slot] * sums.r - sums.v)
      if slot != row.leader { add(weights[slot], to: &others) }
    }
    // The leader's own integral would cancel where it is almost certain.
    if p[row.leader] > 0.5 { weights[row.leader] = 0 - (others.high + others.low) }
    write(weights, of: row, masked: 0, to: v, count)
    write(p, of: row, masked: 0, to: gaps, count)
    return true
  }
}
