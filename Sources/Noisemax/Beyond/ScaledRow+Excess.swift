// The mean of the sum of the k largest perturbed logits of one row.

extension ScaledRow {
  /// Marks the classes with the k largest means, as many as take part, with 1 and all others with 0.
  func markLargest(in marks: UnsafeMutableBufferPointer<Double>) {
    marks.update(repeating: 0)
    if let infinite { marks[infinite] = 1 }
    sort { mean($0) }
    var (next, still) = (noisy, noisy)
    for _ in 0..<Swift.min(wanted, taking) {
      // Those with noise in falling order, and those without, which are in that order already.
      let takesNoisy = next > 0 && (still == taking || mean(indices[next - 1]) >= mean(indices[still]))
      if takesNoisy { next -= 1 }
      marks[indices[takesNoisy ? next : still]] = 1
      if !takesNoisy { still += 1 }
    }
  }

  /// E[sum of the k largest] less the means of the marked classes, in the units of the integrals.
  ///
  /// To the relative accuracy of a probability, so that it has its digits where the marked ones are almost certain.
  func excess(over marks: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch) -> Double {
    guard kind == .regular, wanted > 0, noisy > 0 else { return kind == .undefined ? .nan : 0 }
    var memory = Pieces(
      of: scratch.reserve(
        ScaledClasses.memory(for: taking) + ClassIntegrals.memory(forValues: 1, of: taking, under: law)
          + Excess.memory(for: taking, wanted: wanted)))
    let classes = classes(memory: &memory)
    let excess = Excess(of: classes, memory: &memory)
    for slot in 0..<taking { excess.given[slot] = marks[indices[slot]] }
    let integrals = ClassIntegrals(of: classes, values: 1, precision: precision, memory: &memory)
    integrals.integrate(excess)
    return integrals.sums[0]
  }

  /// Σ_marked E[X_i] − Σ w_i E[X_i] = Σ_marked (1 − w_i)·(E[X_i] − least) + Σ_others w_i·(least − E[X_i]), with the least of
  /// the marked means: no term is negative.
  ///
  /// A masked class with a weight makes it infinite.
  func lostMean(
    of weight: (Int) -> Double, from marks: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    var least = Double.infinity
    for slot in 0..<taking where marks[indices[slot]] != 0 { least = Swift.min(least, mean(indices[slot])) }
    var sum = CompensatedSum()
    for index in 0..<count where index != infinite {
      let weight = weight(index)
      if marks[index] != 0 {
        sum.add((1 - weight) * (mean(index) - least))
      } else if weight > 0 {
        sum.add(isOpen(index) ? weight * (least - mean(index)) : .infinity)
      }
    }
    if let infinite, weight(infinite) < 1 { return .infinity }
    return sum.value
  }
}
