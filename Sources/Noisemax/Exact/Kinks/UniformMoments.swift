internal import NoiseKernels

/// Exact probabilities under uniform noise: see ``UniformNodes``, and ``UniformProducts`` for short rows.
struct UniformMoments: RowMethod {
  /// For the derivatives of logarithms where a class reaches less into the leader's support than ``UniformRow/leastReach``.
  private let panels = Panels(Uniform())

  var wantsRemainders: Bool { true }

  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> RowSums {
    guard let gaps = row.baseAddress else { return RowSums() }
    let n = row.count / 2
    var pieces = Pieces(
      of: scratch.reserve(
        UniformRow.memory(for: n) + UniformNodes.memory(for: n) + UniformPass.memory(for: n)))
    let floor = request.contains(.logarithms) ? -.infinity : Panels.floor(for: precision)
    let classes = UniformRow(gaps, n, floor: floor, in: &pieces)
    let isBarely = classes.breaks[classes.count - 1] == UniformRow.leastReach
    if isBarely && request.isSuperset(of: [.logarithms, .pullback]) {
      return panels.evaluate(row, for: request, vectors: vectors, precision: precision, scratch: &scratch)
    }
    var pass = UniformPass(of: classes, gaps, n, precision: precision, request: request, in: &pieces)
    var sums = RowSums()
    if request.contains(.excess) { sums.excess = pass.excess(scratch: &scratch) }
    if request.isDisjoint(with: [.probabilities, .logarithms, .pullback]) { return sums }
    if request.contains(.pullback) {
      pass.pullBack(vectors, scratch: &scratch)
    } else {
      sums.defect = pass.write(scratch: &scratch)
    }
    return sums
  }

  func seconds(forRowOf count: Int) -> Double { 2e-7 + 7e-8 * Double(count) }
}

/// One row.
struct UniformPass {
  let classes: UniformRow
  let gaps: UnsafeMutablePointer<Double>
  let count: Int
  let request: Request
  let precision: Precision
  /// For every class, the sums over the nodes with three weights, and the weight of its members.
  let values, ofR, ofV, weights: UnsafeMutablePointer<Double>
  private var nodes: UniformNodes

  static func memory(for count: Int) -> Int { 4 * (padded(count) + 8) }

  init(
    of classes: UniformRow, _ gaps: UnsafeMutablePointer<Double>, _ count: Int, precision: Precision,
    request: Request, in memory: inout Pieces
  ) {
    (self.classes, self.gaps, self.count) = (classes, gaps, count)
    (self.precision, self.request) = (precision, request)
    let room = padded(classes.count) + 8
    values = memory.take(room)
    ofR = memory.take(room)
    ofV = memory.take(room)
    weights = memory.take(room)
    let pairs = request.contains(.pullback)
    nodes = UniformNodes(
      of: classes,
      settings: UniformSettings(
        precision: precision,
        floor: request.contains(.logarithms) ? -.infinity : Panels.floor(for: precision),
        reversedHazards: pairs ? 2 : 1, withSums: pairs),
      in: &memory)
  }

  private var isLogarithm: Bool { request.contains(.logarithms) }

  // MARK: probabilities

  /// Integrates, and replaces the gaps by probabilities or their logarithms.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  mutating func write(scratch: inout Scratch) -> Double {
    if UniformProducts.serves(classes) {
      let products = UniformProducts(of: classes, precision: precision, scratch: &scratch)
      if let defect = products.write(isLogarithm ? .logProbabilities : .probabilities, to: values) {
        for index in 0..<count { gaps[index] = isLogarithm ? -.infinity : 0 }
        classes.forEachMember { k, index in gaps[index] = values[k] }
        return defect
      }
    }
    nodes.lay(scratch: &scratch)
    nodes.sumNodes(.weights, relative: true, to: values)
    return writeValues()
  }

  private func writeValues() -> Double {
    var (total, rest) = (CompensatedSum(), CompensatedSum())
    var power = UnitPower()
    for k in 0..<classes.count {
      weights[k] = values[k] * power(nodes.units[k])
      let share = classes.ties[k] * weights[k]
      total.add(share)
      if k > 0 { rest.add(share) }
    }
    // Of classes that cannot win, a pullback has yet to know.
    let none = request.isDisjoint(with: [.logarithms, .pullback]) ? 0 : -Double.infinity
    for index in 0..<count { gaps[index] = none }
    let inverse = 1 / total.value
    if isLogarithm {
      writeLogarithms(inverse, rest: rest.value * inverse)
    } else {
      classes.forEachMember { k, index in gaps[index] = Swift.min(weights[k] * inverse, 1) }
    }
    return total.value - 1
  }

  private func writeLogarithms(_ inverse: Double, rest: Double) {
    for k in 0..<classes.count {
      weights[k] = Swift.min(nodes.units[k] + logarithm(values[k] * inverse), 0)
    }
    if rest < 0.5 && classes.ties[0] == 1 { weights[0] = logarithmOfOnePlus(0 - rest) }
    classes.forEachMember { k, index in
      gaps[index] = weights[k]
      if classes.breaks[k] == UniformRow.leastReach {
        // p ~ reach^(leaders + 1).
        gaps[index] += (classes.ties[0] + 1) * logarithm(gaps[count + index] / UniformRow.leastReach)
      }
    }
  }

  // MARK: derivatives

  /// Replaces the cotangent by the gradient of Σ v_i p_i, or of Σ v_i log p_i, and the gaps by probabilities or their
  /// logarithms.
  ///
  /// With R = Σ 1/F, u_i the cotangent of p_i and U = Σ u_i/F_i at the nodes, gradient_i = u_i·Σ w·R/F_i − Σ w·U/F_i. The
  /// term of a class with itself is in both sums. Moving all classes together changes nothing, so u is taken
  /// relative to the leader's, whose own term may not even be integrable. That of another class is smaller than its term with
  /// the leader.
  ///
  /// If almost only the leader's u is asked for, that would cancel: of a thousand others with the same u, each has far more with
  /// its like than with the leader. Then u stays as it is, and the leader has what the others lose.
  ///
  /// For logarithms u is v/p, and p is known relative to G at some point above the class: so is u, relative to 1/G.
  mutating func pullBack(_ vectors: RowVectors, scratch: inout Scratch) {
    if UniformProducts.serves(classes) && pullBackByProducts(vectors.cotangent, scratch: &scratch) { return }
    nodes.lay(scratch: &scratch)
    nodes.sumNodes(.weights, relative: true, to: values)
    for k in 0..<classes.count { weights[k] = classes.ties[k] }
    nodes.sumClasses(weights, relative: false, to: .first)
    nodes.sumNodes(.first, relative: true, to: ofR)
    let cotangent = vectors.cotangent
    let leader = leader(of: UnsafeMutableBufferPointer(start: gaps, count: count))
    let isOfLeader = isOfLeader(cotangent, leader: leader)
    if !isLogarithm && !isOfLeader {
      _ = centre(cotangent, onLeaderOf: UnsafeMutableBufferPointer(start: gaps, count: count))
    }
    _ = writeValues()
    if isLogarithm {
      vectors.dropCotangents(ofLogarithms: UnsafeMutableBufferPointer(start: gaps, count: count))
      divide(cotangent, relativeTo: isOfLeader ? nil : leader)
    }
    for k in 0..<classes.count { weights[k] = 0 }
    classes.forEachMember { k, index in weights[k] += cotangent[index] }
    nodes.sumClasses(weights, relative: isLogarithm, to: .second)
    nodes.sumNodes(.second, relative: !isLogarithm, to: ofV)
    finish(cotangent, leader: leader, isOfLeader: isOfLeader)
  }

  /// Whether u of the leader is larger than that of all others but one in sixteen: it is v for probabilities, and for logarithms
  /// v/p, where each p is relative to its own unit.
  private func isOfLeader(_ cotangent: UnsafeMutableBufferPointer<Double>, leader: Int) -> Bool {
    let own = isLogarithm ? cotangent[leader].magnitude / values[0] : cotangent[leader].magnitude
    guard own > 0, own < .infinity else { return false }
    var (others, power) = (-1.0, UnitPower())
    classes.forEachMember { k, index in
      var u = cotangent[index].magnitude
      if isLogarithm { u /= values[k] * power(nodes.units[k]) }
      // A number that is none counts as large.
      others += u < own ? u / own : 1
    }
    return others <= Double(classes.open - 1) / 16
  }

  /// The same by products, unless there are logarithms of probabilities too small for that.
  private func pullBackByProducts(
    _ cotangent: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch
  ) -> Bool {
    let row = UnsafeMutableBufferPointer(start: gaps, count: count)
    var factor = 1.0
    if isLogarithm {
      let products = UniformProducts(of: classes, precision: precision, scratch: &scratch)
      guard products.write(.logProbabilities, to: values) != nil, values[classes.count - 1] > -690 else {
        return false
      }
      // A power of two keeps v/p and its products in range.
      factor = values[classes.count - 1] < -350 ? 0x1p-500 : 1
      classes.forEachMember { k, index in
        if cotangent[index] != 0 { cotangent[index] *= factor * exponential(-values[k]) }
      }
    }
    let leader = centre(cotangent, onLeaderOf: row)
    row.update(repeating: -.infinity)
    UniformProducts(of: classes, precision: precision, cotangent: cotangent, scratch: &scratch)
      .pullBack(cotangent, probabilities: row)
    for index in 0..<count where row[index] == -.infinity { (row[index], cotangent[index]) = (0, 0) }
    balance(cotangent, at: row, leader: leader)
    guard isLogarithm else { return true }
    row.update(repeating: -.infinity)
    classes.forEachMember { k, index in
      row[index] = values[k]
      cotangent[index] /= factor
    }
    return true
  }

  /// v/p, relative to that of the leader if there is one, and to 1/G at the base of the class's block.
  private func divide(_ cotangent: UnsafeMutableBufferPointer<Double>, relativeTo leader: Int?) {
    let reference = leader.map { cotangent[$0] / values[0] } ?? 0
    var power = UnitPower()
    classes.forEachMember { k, index in
      cotangent[index] = cotangent[index] / values[k] - reference * power(nodes.units[k])
    }
    if let leader { cotangent[leader] = 0 }
  }

  private func finish(_ cotangent: UnsafeMutableBufferPointer<Double>, leader: Int, isOfLeader: Bool) {
    var power = UnitPower()
    classes.forEachMember { k, index in
      let u = cotangent[index]
      cotangent[index] = ((u == 0 ? 0 : u * ofR[k]) - ofV[k]) * (isLogarithm ? 1 : power(nodes.units[k]))
      if classes.breaks[k] == UniformRow.leastReach {
        cotangent[index] *= gaps[count + index] / UniformRow.leastReach
      }
    }
    for index in 0..<count where gaps[index] == -.infinity {
      cotangent[index] = 0
      if !isLogarithm { gaps[index] = 0 }
    }
    let own = isLogarithm ? exponential(gaps[leader]) : gaps[leader]
    if own > 0.5 || isOfLeader { balance(cotangent, leader: leader) }
  }

  // MARK: the excess

  /// E[max(gap + ε)] − E[ε] = ∫ x·(1 − P) dx, with P the product of F over all but the leader, which is ∫ P·R·x²/2 dx by
  /// parts, R = Σ 1/F over these: all terms are positive, so that it keeps its digits where one class is almost certain.
  mutating func excess(scratch: inout Scratch) -> Double {
    let settings = nodes.settings
    defer { nodes.settings = settings }
    nodes.settings.reversedHazards = 0
    nodes.settings.withSums = true
    nodes.settings.floor = -100
    classes.ties[0] -= 1
    defer { classes.ties[0] += 1 }
    if UniformProducts.serves(classes) {
      return UniformProducts(of: classes, precision: precision, scratch: &scratch).excess()
    }
    nodes.lay(scratch: &scratch)
    for k in 0..<classes.count { weights[k] = classes.ties[k] }
    nodes.sumClasses(weights, relative: false, to: .first)
    return nodes.excess()
  }
}

/// e^unit, computed anew where the unit is another one: the classes of a block share theirs.
private struct UnitPower {
  private var unit = 0.0, power = 1.0

  @inline(__always)
  mutating func callAsFunction(_ next: Double) -> Double {
    if next != unit { (unit, power) = (next, exponential(next)) }
    return power
  }
}
