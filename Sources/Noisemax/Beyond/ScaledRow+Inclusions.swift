internal import NoiseKernels

// P(i among the k largest) of one row, its derivatives, and the mean of the sum of the k largest.

extension ScaledRow {
  /// Writes P(i among the k largest) for every class of the row, and E[ε_i; i among the k largest] if wanted.
  ///
  /// The noise is that of the transform's own law, in units of the standard one.
  func writeInclusions(
    to result: UnsafeMutableBufferPointer<Double>, noise: UnsafeMutableBufferPointer<Double>? = nil,
    scratch: inout Scratch
  ) {
    result.update(repeating: kind == .undefined ? .nan : 0)
    noise?.update(repeating: kind == .undefined ? .nan : 0)
    if kind == .undefined { return }
    if let infinite {
      result[infinite] = 1
      noise?[infinite] = law.mean + law.location
    }
    if kind == .settled || wanted == 0 {
      for slot in 0..<taking where kind == .settled {
        result[indices[slot]] = 1
        noise?[indices[slot]] = law.mean + law.location
      }
      return
    }
    let values = noisy * (noise == nil ? 1 : 2)
    var memory = Pieces(
      of: scratch.reserve(
        ScaledClasses.memory(for: taking) + ClassIntegrals.memory(forValues: values, of: taking, under: law)
          + Inclusions.memory(for: taking, wanted: wanted) + tieEntries))
    let classes = classes(memory: &memory)
    let inclusions = Inclusions(of: classes, withNoise: noise != nil, memory: &memory)
    let integrals = ClassIntegrals(of: classes, values: values, precision: precision, memory: &memory)
    integrals.integrate(inclusions)
    for slot in 0..<noisy {
      result[indices[slot]] = Swift.min(integrals.sums[slot], 1)
      noise?[indices[slot]] = integrals.sums[(noise == nil ? 0 : noisy) + slot]
    }
    for slot in noisy..<taking {
      let probability = inclusions.probability(ofStill: slot, in: classes)
      result[indices[slot]] = probability
      noise?[indices[slot]] = probability * (law.mean + law.location)
    }
    if wanted > 1 { equalizeTies(result, noise, memory.takeIntegers(tieEntries)) }
  }

  /// How many entries the table of ``equalizeTies(_:_:_:)`` has: a power of two, and less than half are taken.
  private var tieEntries: Int { 4 << (Int.bitWidth - 1 - (taking | 1).leadingZeroBitCount) }

  /// Gives equal classes the bits of the first of them, which is found by a table of hashes: sorting would take longer.
  private func equalizeTies(
    _ result: UnsafeMutableBufferPointer<Double>, _ noise: UnsafeMutableBufferPointer<Double>?,
    _ table: UnsafeMutablePointer<Int>
  ) {
    let last = tieEntries - 1
    table.update(repeating: -1, count: tieEntries)
    for slot in 0..<noisy {
      let index = indices[slot]
      var entry = hash(index) & last
      while table[entry] >= 0, !isTie(table[entry], index) { entry = (entry + 1) & last }
      if table[entry] < 0 {
        table[entry] = index
      } else {
        result[index] = result[table[entry]]
        if let noise { noise[index] = noise[table[entry]] }
      }
    }
  }

  /// Replaces cotangents v by the gradient of Σ v_i π_i in the logits, and writes that in the scales, where π_i is
  /// P(i among the k largest). Both are in the units of the integrals. The rarest is about the least π of a class with noise.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, scales: UnsafeMutableBufferPointer<Double>,
    rarest: Double, scratch: inout Scratch
  ) {
    scales.update(repeating: kind == .undefined ? .nan : 0)
    guard kind == .regular, wanted > 0, noisy > 0 else {
      return cotangent.update(repeating: kind == .undefined ? .nan : 0)
    }
    sort { cotangent[$0] }
    var memory = Pieces(
      of: scratch.reserve(
        ScaledClasses.memory(for: taking)
          + ClassIntegrals.memory(forValues: 3 * noisy, of: taking, under: law)
          + InclusionPullback.memory(for: taking, wanted: wanted)))
    let classes = classes(memory: &memory)
    let pullback = InclusionPullback(of: classes, rarest: rarest, memory: &memory)
    for slot in 0..<taking { pullback.cotangent[slot] = cotangent[indices[slot]] }
    let integrals = ClassIntegrals(of: classes, values: 3 * noisy, precision: precision, memory: &memory)
    integrals.integrate(pullback)
    cotangent.update(repeating: 0)
    for slot in 0..<noisy {
      cotangent[indices[slot]] = integrals.sums[noisy + slot]
      scales[indices[slot]] = integrals.sums[2 * noisy + slot]
    }
    for still in noisy..<taking {
      pullback.forEachMeeting(withStill: still, in: classes) { slot, flow in
        let (one, other) = (indices[slot], indices[still])
        cotangent[one] += flow
        cotangent[other] -= flow
        scales[one] += flow * (classes.z[slot][0] + law.location)
        scales[other] -= flow * (law.mean + law.location)
      }
    }
  }
}
