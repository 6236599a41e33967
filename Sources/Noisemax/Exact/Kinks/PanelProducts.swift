internal import NoiseKernels

/// A law whose F is a constant and a multiple of one function of the place alone on either side of a kink, so that the
/// classes of a row share what is to be computed at a node.
protocol ProductNoise: PiecewiseNoise {
  static var productForm: ProductForm { get }
}

/// Where the function is x itself, and where it is e^(−x).
enum ProductForm: Sendable {
  case uniform, exponential, laplace
}

extension Uniform: ProductNoise { static var productForm: ProductForm { .uniform } }
extension Exponential: ProductNoise { static var productForm: ProductForm { .exponential } }
extension Laplace: ProductNoise { static var productForm: ProductForm { .laplace } }

/// Exact probabilities of ordinary rows from the products of F themselves, without logarithms.
///
/// Between two breaks every F that is not 1 has the form a + c·b_j, with a and c from the node and b_j from the class, or
/// it is e^(x − μ_j)/2, a Laplace class below its kink: those have one product in closed form. All of a, c·b_j and the
/// sums are as accurate as the distances of the classes. A panel has eight nodes or sixteen, and needs no judgement:
/// - in x under the uniform law, and in t = e^(−x) under the exponential and above all kinks of the Laplace law, the
///   integrands are polynomials of a degree below the number of open classes, exact for 16 and 32 classes. For more,
///   a panel of a width w leaves (w·R)^(2m)·m!⁴/((2m + 1)·(2m)!³) of its greatest value, R = Σ r where G is largest, as
///   that is what the derivatives of order 2m are below: 2e-17 for m = 8, w·R = 2.5 and for m = 16, w·R = 14;
/// - in x between the kinks of the Laplace law, where R ≤ the number of classes above and the sum of e^(μ_j − x) over those
///   below, the same limits were measured to leave less than 1e-16.
///
/// Everything is a sum of positive terms, and a panel is left out only where no class has anything left below it. So rare
/// classes are as accurate as others, as long as the numbers do not underflow; those that may are left to the grid.
struct PanelProducts {
  let form: ProductForm
  let row: PanelRow
  let precision: Precision
  let wantsDerivatives: Bool

  /// F_k is constant + factor·`slopes`_k at a node, and f_k factor·`densities`_k.
  let slopes, densities, ties: UnsafeMutablePointer<Double>
  /// Σ ties·density over a class and all deeper ones.
  let deeperDensities: UnsafeMutablePointer<Double>
  /// Sums over the nodes in vectors, ``sumsPerClass`` for each class, still without its density.
  let vectorSums: UnsafeMutablePointer<Double>
  /// The sums of these vectors; then the integrals themselves.
  let sums: UnsafeMutablePointer<Double>
  /// The integrals from the kink of a class down to the next, for it and all classes above it: r is 1 for them there.
  let sharedSums: UnsafeMutablePointer<Double>
  /// Rows of ``panelNodes``, as the loops take them.
  let nodes: UnsafeMutablePointer<Double>
  /// For derivatives: the sum of the cotangent over the ties, that and their number times the density, and memory for
  /// the loops.
  let cotangents, densityCotangents, densityTies, reciprocals: UnsafeMutablePointer<Double>

  /// ∫ G r, and for derivatives ∫ G R r and ∫ G V r.
  var sumsPerClass: Int { wantsDerivatives ? 3 : 1 }

  /// A product of n factors is rounded n times, and among ties always alike. Under the uniform law, where a rare class sees
  /// powers of small numbers, the rounding of the places counts n times as well: 5e-13 at most.
  static func serves(_ row: PanelRow, under form: ProductForm) -> Bool {
    let deepest = row.classes[row.count - 1].place
    switch form {
    case .uniform: return row.open <= Policy.mostProducts(form) && (DoubleDouble(1) - deepest).high > 0x1p-300
    case .exponential: return row.open <= Policy.mostProducts(form)
    case .laplace: return row.open <= Policy.mostProducts(form) && deepest.high < Policy.deepestLaplaceProduct
    }
  }

  /// The memory is the list of the scratch, which a grid would have. If there is a cotangent, derivatives are wanted.
  init(
    of row: PanelRow, under form: ProductForm, precision: Precision,
    cotangent: UnsafeMutableBufferPointer<Double>? = nil, scratch: inout Scratch
  ) {
    let wantsDerivatives = cotangent != nil
    (self.form, self.row, self.precision, self.wantsDerivatives) = (form, row, precision, wantsDerivatives)
    let n = padded(row.count + 1)
    let perClass = wantsDerivatives ? 3 : 1
    var pieces = Pieces(
      of: scratch.growList(
        to: n * (4 + 10 * perClass + (wantsDerivatives ? 19 : 0)) + 6 * panelNodes, keeping: 0))
    nodes = pieces.take(6 * panelNodes)
    vectorSums = pieces.take(8 * perClass * n)
    reciprocals = pieces.take(wantsDerivatives ? 16 * n : 0)
    slopes = pieces.take(n)
    densities = pieces.take(n)
    ties = pieces.take(n)
    deeperDensities = pieces.take(n)
    sums = pieces.take(perClass * n)
    sharedSums = pieces.take(perClass * n)
    cotangents = pieces.take(wantsDerivatives ? n : 0)
    densityCotangents = pieces.take(wantsDerivatives ? n : 0)
    densityTies = pieces.take(wantsDerivatives ? n : 0)
    vectorSums.update(repeating: 0, count: 8 * perClass * n)
    sharedSums.update(repeating: 0, count: perClass * n)
    for k in 0..<row.count {
      ties[k] = row.classes[k].weight
      slopes[k] = row.classes[k].place.high
      densities[k] = form == .uniform ? 1 : -slopes[k]
    }
    if form != .uniform {
      kernels.exponentials(of: densities, row.count, shift: form == .laplace ? -1 : 0, to: densities)
      for k in 0..<row.count {
        densities[k] *= 1 - row.classes[k].place.low
        // F is 1 − density·t: where that cancels, as (1 − t) + t·slope.
        slopes[k] = form == .laplace ? -densities[k] : 1 - densities[k]
      }
    }
    deeperDensities[row.count] = 0
    for k in (0..<row.count).reversed() {
      deeperDensities[k] = deeperDensities[k + 1] + ties[k] * densities[k]
    }
    guard let cotangent else { return }
    var index = 0
    for k in 0..<row.count {
      var sum = CompensatedSum()
      for _ in 0..<Int(ties[k]) {
        sum.add(cotangent[Int(row.sorted[index].weight)])
        index += 1
      }
      cotangents[k] = sum.value
      densityCotangents[k] = sum.value * densities[k]
      densityTies[k] = ties[k] * densities[k]
    }
  }

  // MARK: - Probabilities

  /// Writes the probabilities of the classes, or their logarithms where these have digits.
  ///
  /// - Returns: Σp − 1 before the normalisation, or nil if some logarithm is left to the grid.
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
      guard sums[k] > 0x1p-900 || form == .exponential else { return nil }
      // A rare class is its density times a sum that is never small.
      let logValue =
        sums[k] > 0x1p-900
        ? logarithm(sums[k] * unit) : logarithm(laneSum(of: k) * unit) - row.classes[k].place.value
      values[k] = Swift.min(logValue, 0)
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
    var index = 0
    for k in 0..<row.count {
      let (probability, ofR, ofV) = (sums[3 * k], sums[3 * k + 1], sums[3 * k + 2])
      for _ in 0..<Int(ties[k]) {
        let member = Int(row.sorted[index].weight)
        let v = cotangent[member]
        probabilities[member] = Swift.min(probability, 1)
        cotangent[member] = (v == 0 ? 0 : v * ofR) - ofV
        index += 1
      }
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
    switch form {
    case .uniform: layUniformPanels()
    case .exponential: layExponentialPanels()
    case .laplace: layLaplacePanels()
    }
    let count = sumsPerClass
    kernels.laneSums(of: vectorSums, count * row.count, to: sums)
    for sum in 0..<count {
      var shared = 0.0
      for k in (0..<row.count).reversed() {
        shared += sharedSums[count * k + sum]
        sums[count * k + sum] = sums[count * k + sum] * densities[k] + shared
      }
    }
  }
}
