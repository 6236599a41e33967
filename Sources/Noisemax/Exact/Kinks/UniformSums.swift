internal import NoiseKernels

// The sums of a row under uniform noise: over the nodes at every class, and over the classes at every node.

extension UniformNodes {
  /// The blocks from the last one up.
  @inline(__always)
  private func forEachBlockUpwards(_ body: (UniformBlockRecord) -> Void) {
    var offset = last
    while offset >= 0 {
      let block = UniformBlockRecord(at: offset, in: list)
      body(block)
      offset = block.previous
    }
  }

  /// Writes Σ w/F over the nodes below the kink of every class, with a row of the nodes as w: relative to G at the base of
  /// the class's block, or as they are.
  ///
  /// From the last block up, the nodes passed count by their moments Σ w·(y − base)ᵏ.
  func sumNodes(_ row: UniformNodeRow, relative: Bool, to values: UnsafeMutablePointer<Double>) {
    for k in 0..<padded(self.row.count) + 8 { values[k] = 0 }
    let memory = UniformSumsMemory(in: sums)
    // log G that the values of classes, and the moments, are relative to.
    var (unit, momentsUnit) = (0.0, 0.0)
    memory.clear()
    var deeper: UniformBlockRecord?
    forEachBlockUpwards { block in
      let isLast = deeper.map { $0.isFirstOfSegment } ?? true
      if let deeper, isLast { unit = finishSegment(of: deeper, unit, relative, memory, to: values) }
      sumNodes(row, of: block, isLast: isLast, relative, (unit, momentsUnit), memory, to: values)
      momentsUnit = block.logProduct
      deeper = block
    }
    if let deeper { _ = finishSegment(of: deeper, unit, relative, memory, to: values) }
  }

  private func scale(_ lower: Double, beside upper: Double, _ relative: Bool) -> Double {
    relative ? exponential(Swift.min(lower - upper, 0)) : 1
  }

  /// Σ w·x²/2 with the first sums over the classes as w.
  func excess() -> Double {
    var total = CompensatedSum()
    forEachBlockUpwards { block in
      var sum = 0.0
      for vector in 0..<block.vectors {
        let nodes = list + block.nodes(from: block.offset) + stride * vector
        for lane in 0..<8 {
          let x = nodes[UniformNodeRow.points.offset + lane]
          sum += nodes[UniformNodeRow.first.offset + lane] * (x * x / 2)
        }
      }
      total.add(sum * exponential(block.logProduct))
    }
    return total.value
  }

  /// Adds what lies below a block, and in it, to the values of its classes, and the block to the moments.
  private func sumNodes(
    _ row: UniformNodeRow, of block: UniformBlockRecord, isLast: Bool, _ relative: Bool,
    _ units: (values: Double, moments: Double), _ memory: UniformSumsMemory,
    to values: UnsafeMutablePointer<Double>
  ) {
    let (own, loops) = (block.logProduct, self.block(block, early: nil, late: nil))
    let ofValues = scale(units.values, beside: own, relative)
    for k in block.start..<block.end { values[k] *= ofValues }
    if !isLast {
      let ofMoments = scale(units.moments, beside: own, relative)
      if block.end > block.start {
        UniformSeries.shared.writeInverses(of: memory.moments, to: memory.late)
        for k in block.start..<block.end {
          values[k] += ofMoments * UniformSeries.value(of: memory.late, at: block.width - depths[k])
        }
      }
      UniformSeries.shared.shift(memory.moments, by: block.width, times: ofMoments)
    }
    guard block.vectors > 0 else { return }
    kernels.addUniformNodes(of: loops, row: row, to: values + block.start, narrow: memory.narrow)
    if block.start > block.segment.open {
      kernels.uniformNodeMoments(of: loops, row: row, shift: 0, factor: 1, to: memory.late)
      for k in 0..<tailTerms { memory.moments[k] += memory.late[k] }
    }
    let ofSegment = scale(own, beside: block.segment.logProduct, relative)
    for k in 0..<block.segment.narrow {
      memory.narrowSums[k] += ofSegment * memory.narrow[k]
      memory.narrow[k] = 0
    }
    guard block.segment.hasEarly else { return }
    kernels.uniformNodeMoments(
      of: loops, row: row, shift: block.shift, factor: 1 / block.segment.factor, to: memory.late)
    for k in 0..<tailTerms { memory.early[k] += ofSegment * memory.late[k] }
  }

  /// Adds the nodes of a segment to the values of the classes before it, and returns what these are relative to.
  private func finishSegment(
    of block: UniformBlockRecord, _ unit: Double, _ relative: Bool, _ memory: UniformSumsMemory,
    to values: UnsafeMutablePointer<Double>
  ) -> Double {
    let segment = block.segment
    let scale = scale(unit, beside: segment.logProduct, relative)
    for k in 0..<segment.narrow { values[k] = values[k] * scale + memory.narrowSums[k] }
    if segment.hasEarly {
      let inverse = UniformSeries.shared.inverse
      for k in 0..<tailTerms { memory.early[k] *= inverse[k] / segment.factor }
      kernels.addOpenPolynomials(
        of: row.distances + segment.narrow, segment.open - segment.narrow, x: segment.base.x,
        factor: segment.factor, coefficients: memory.early, scale: scale, to: values + segment.narrow)
    }
    memory.clear()
    return segment.logProduct
  }

  /// Writes w·Σ weight/F over the classes to a row of the nodes, w what they weigh. If `relative`, the weights are relative to
  /// 1/G at the bases of the classes' blocks, and the sums to 1/G at those of the nodes' blocks; the weights are used up.
  func sumClasses(_ weights: UnsafeMutablePointer<Double>, relative: Bool, to row: UniformNodeRow) {
    let memory = UniformSumsMemory(in: sums)
    let series = UniformSeries.shared
    memory.clear()
    // What the weights of the classes before a segment are relative to, and how many they are.
    var (unit, open) = (0.0, 0)
    // What the moments are relative to.
    var before = 0.0
    var offset = 0
    while offset <= last {
      let block = UniformBlockRecord(at: offset, in: list)
      let segment = block.segment
      if block.isFirstOfSegment {
        if relative {
          let factor = scale(segment.logProduct, beside: unit, true)
          for k in 0..<open { weights[k] *= factor }
          for k in open..<segment.open { weights[k] *= scale(segment.logProduct, beside: units[k], true) }
        }
        (unit, open) = (segment.logProduct, segment.open)
        memory.clear()
        if segment.hasEarly {
          kernels.openPowerSums(
            of: self.row.distances + segment.narrow, weights: weights + segment.narrow, open - segment.narrow,
            x: segment.base.x, factor: segment.factor, to: memory.early)
          for k in 0..<tailTerms { memory.early[k] *= series.inverse[k] / segment.factor }
        }
      } else if relative {
        let factor = scale(block.logProduct, beside: before, true)
        for k in 0..<tailTerms { memory.moments[k] *= factor }
      }
      addClasses(weights, of: block, relative, memory, to: row)
      before = block.logProduct
      offset = block.nodes(from: offset) + stride * block.vectors
    }
  }

  /// The sums at the nodes of one block, whose classes then come to the moments.
  private func addClasses(
    _ weights: UnsafeMutablePointer<Double>, of block: UniformBlockRecord, _ relative: Bool,
    _ memory: UniformSumsMemory, to row: UniformNodeRow
  ) {
    let segment = block.segment
    let series = UniformSeries.shared
    if block.atBase == 1 { memory.moments[0] += weights[block.start] }
    if block.vectors > 0 {
      let factor = scale(block.logProduct, beside: segment.logProduct, relative)
      for k in 0..<tailTerms { memory.scaled[k] = memory.early[k] * factor }
      for k in 0..<segment.narrow { memory.narrow[k] = weights[k] * factor }
      series.writeInverses(of: memory.moments, to: memory.late)
      kernels.addUniformClasses(
        of: self.block(
          block, early: segment.hasEarly ? memory.scaled : nil, late: memory.late, weights: memory.narrow),
        weights: weights + block.start, to: row)
    }
    series.shift(memory.moments, by: block.width)
    for k in block.start + block.atBase..<block.end {
      var power = weights[k]
      for m in 0..<tailTerms {
        memory.moments[m] += power
        power *= block.width - depths[k]
      }
    }
  }
}

/// What the sums over a segment are made in.
struct UniformSumsMemory {
  /// Of the nodes below or of the classes above a block; of the nodes of the segment, or of the early classes.
  let moments, early: UnsafeMutablePointer<Double>
  let late, scaled: UnsafeMutablePointer<Double>
  /// What the narrow classes have of a block, and of the segment.
  let narrow, narrowSums: UnsafeMutablePointer<Double>

  static var size: Int { 8 * tailTerms + 2 * 8 }

  init(in memory: UnsafeMutablePointer<Double>) {
    moments = memory
    early = moments + 2 * tailTerms
    late = early + 2 * tailTerms
    scaled = late + 2 * tailTerms
    narrow = scaled + 2 * tailTerms
    narrowSums = narrow + 8
  }

  func clear() { moments.update(repeating: 0, count: Self.size) }
}
