// Log-probabilities of one row.

extension ScaledRow {
  /// Below this a probability may have lost digits, and has its logarithm from ``DeepScaledClasses``.
  var leastProbability: Double { precision == .double ? 0x1p-960 : 0x1p-140 }

  /// Replaces probabilities by their logarithms.
  func takeLogarithms(of p: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch) {
    if kind == .undefined { return }
    // The logarithm of one that is likelier than not is that of what the others leave it.
    let likeliest = p.indices.max { p[$0] < p[$1] } ?? 0
    var others = CompensatedSum()
    for index in p.indices where index != likeliest { others.add(p[index]) }
    for index in p.indices {
      p[index] =
        index == likeliest && p[index] > 0.5 ? logarithmOfOnePlus(-others.value) : logarithm(p[index])
    }
    guard kind == .regular, wanted > 0 else { return }
    var deep: DeepScaledClasses?
    for slot in 0..<taking where p[indices[slot]] < logarithm(leastProbability) {
      if deep == nil {
        var memory = Pieces(of: scratch.reserve(ScaledClasses.memory(for: taking)))
        deep = DeepScaledClasses(of: classes(memory: &memory))
      }
      if let deep { p[indices[slot]] = deep.logProbability(of: slot) }
    }
  }
}
