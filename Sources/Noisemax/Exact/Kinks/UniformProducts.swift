internal import NoiseKernels

/// Exact probabilities of ordinary rows under the uniform law from the products of F themselves, without logarithms.
///
/// Between two breaks every F that is not 1 is x plus the distance of the class: G is a polynomial of a degree below the
/// number of open classes. A panel has eight nodes or sixteen, and needs no judgement: that is exact for 16 and 32 classes.
/// For more, ``KinkRules`` says how wide a panel is.
///
/// Everything is a sum of positive terms, and a panel is left out only where no class has anything left below it. So rare
/// classes are as accurate as others, as long as the numbers do not underflow; those that may are left to ``UniformNodes``.
struct UniformProducts {
  let row: UniformRow
  let precision: Precision
  let wantsDerivatives: Bool

  /// Sums over the nodes in vectors, ``sumsPerClass`` for each class.
  let vectorSums: UnsafeMutablePointer<Double>
  /// The sums of these vectors, which are the integrals.
  let sums: UnsafeMutablePointer<Double>
  /// Rows of ``panelNodes``, as the loops take them.
  let nodes: UnsafeMutablePointer<Double>
  /// For derivatives: the sum of the cotangent over the ties, and memory for the loops.
  let cotangents, reciprocals: UnsafeMutablePointer<Double>

  /// ∫ G r, and for derivatives ∫ G R r and ∫ G V r.
  var sumsPerClass: Int { wantsDerivatives ? 3 : 1 }

  /// A product of n factors is rounded n times, and among ties always alike; where a rare class sees powers of small
  /// numbers, the rounding of the distances counts n times as well.
  static func serves(_ row: UniformRow) -> Bool {
    // Two F at a node, each as small as that, have a product.
    row.count <= Policy.mostProducts && row.open <= Policy.mostFactors && row.breaks[row.count - 1] > 0x1p-499
  }

  /// The memory is the list of the scratch, which nodes would have. If there is a cotangent, derivatives are wanted.
  init(
    of row: UniformRow, precision: Precision, cotangent: UnsafeMutableBufferPointer<Double>? = nil,
    scratch: inout Scratch
  ) {
    let wantsDerivatives = cotangent != nil
    (self.row, self.precision, self.wantsDerivatives) = (row, precision, wantsDerivatives)
    let n = padded(row.count)
    let perClass = wantsDerivatives ? 3 : 1
    var pieces = Pieces(
      of: scratch.growList(to: n * (9 * perClass + (wantsDerivatives ? 17 : 0)) + 3 * panelNodes, keeping: 0))
    nodes = pieces.take(3 * panelNodes)
    vectorSums = pieces.take(8 * perClass * n)
    reciprocals = pieces.take(wantsDerivatives ? 16 * n : 0)
    sums = pieces.take(perClass * n)
    cotangents = pieces.take(wantsDerivatives ? n : 0)
    vectorSums.update(repeating: 0, count: 8 * perClass * n)
    guard let cotangent else { return }
    var slot = 0
    for k in 0..<row.count {
      var sum = CompensatedSum()
      for _ in 0..<Int(ties[k]) {
        sum.add(cotangent[row.members[slot]])
        slot += 1
      }
      cotangents[k] = sum.value
    }
  }

  /// F_k is x plus the distance of the class, above its break.
  var distances: UnsafeMutablePointer<Double> { row.distances }
  var breaks: UnsafeMutablePointer<Double> { row.breaks }
  var ties: UnsafeMutablePointer<Double> { row.ties }

  // MARK: - Probabilities

  /// Writes the probabilities of the classes, or their logarithms where these have digits.
  ///
  /// - Returns: Σp − 1 before the normalisation, or nil if some logarithm is left to the nodes.
  func write(_ quantity: Quantity, to values: UnsafeMutablePointer<Double>) -> Double? {
    integrate()
    var total = CompensatedSum()
    for k in 0..<row.count { total.add(ties[k] * sums[k]) }
    let unit = 1 / total.value
    guard quantity == .logProbabilities else {
      for k in 0..<row.count { values[k] = Swift.min(sums[k] * unit, 1) }
      return total.value - 1
    }
    var rest = CompensatedSum()
    for k in 0..<row.count {
      guard sums[k] > 0x1p-900 else { return nil }
      values[k] = Swift.min(logarithm(sums[k] * unit), 0)
      if k > 0 { rest.add(ties[k] * sums[k]) }
    }
    if sums[0] > 0.5 && ties[0] == 1 { values[0] = logarithmOfOnePlus(0 - rest.value * unit) }
    return total.value - 1
  }

  // MARK: - Derivatives

  /// Replaces the cotangent by J v, and writes the probabilities.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, probabilities: UnsafeMutableBufferPointer<Double>
  ) {
    integrate()
    row.forEachMember { k, member in
      let v = cotangent[member]
      probabilities[member] = Swift.min(sums[3 * k], 1)
      cotangent[member] = (v == 0 ? 0 : v * sums[3 * k + 1]) - sums[3 * k + 2]
    }
  }

  // MARK: - The integrals

  /// The sum of the first vector of a class.
  func laneSum(of k: Int) -> Double {
    let lanes = vectorSums + 8 * sumsPerClass * k
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
  }

  /// All integrals, in `sums`.
  private func integrate() {
    layPanels()
    kernels.laneSums(of: vectorSums, sumsPerClass * row.count, to: sums)
  }
}
