internal import NoiseKernels

/// The laws whose upper tail is exponential from a kink on: 1 − F(x) = κ·e^(−x).
enum TailForm: Sendable {
  /// κ = 1, and nothing below the kink.
  case exponential
  /// κ = ½, and F(x) = e^x/2 below the kink.
  case laplace

  /// log₂ κ.
  var shift: Double { self == .exponential ? 0 : -1 }
  var factor: Double { self == .exponential ? 1 : 0.5 }
  var hasKinks: Bool { self == .laplace }
}

/// Exact probabilities under a law with an exponential tail, in time proportional to the row.
///
/// With t = e^(−x) and c_i = κ·e^gap, a class above whose kink x lies has F = 1 − c_i·t and the reversed hazard
/// r = c_i·t/(1 − c_i·t). With ψ = 1/(1 − c_i·t) there, and 1/(c_i·t) below the kink of a Laplace class,
///
///     p_i = c_i·Σ_m w_m·ψ_i(t_m),    w_m = G(x_m)·t_m·dx_m.
///
/// The nodes m are shared by all classes. *Near* classes, with c·t above ⅛ at the last node, count by themselves: at most
/// some hundreds, as each takes ⅛ or more off log G. *Far* ones count by the sums of powers of their c: log G at a node is a
/// polynomial of t, and p_i one of c_i, all of whose terms are positive. So nothing cancels, however rare a class is; and as
/// p_i/c_i is never small, no logarithm is out of reach.
///
/// The gaps need no remainders: log p moves by no more than the logits do, as |(log f)′| ≤ 1.
struct TailMoments: RowMethod {
  let form: TailForm

  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> RowSums {
    guard let gaps = row.baseAddress else { return RowSums() }
    var nodes = TailNodes(
      of: TailClasses(
        of: gaps, row.count, under: form, precision: precision, request: request, scratch: &scratch),
      precision: precision, request: request)
    guard nodes.classes.canLose else {
      return certain(row, leader: nodes.classes.leader, for: request, vectors: vectors)
    }
    nodes.lay(scratch: &scratch)
    var sums = RowSums()
    if request.contains(.excess) { sums.excess = nodes.excess() }
    if request.isDisjoint(with: [.probabilities, .logarithms, .pullback]) { return sums }
    let integrals = nodes.classes.integrate(over: nodes)
    sums.defect = integrals.total - 1
    guard request.contains(.pullback) else {
      if request.contains(.logarithms) {
        nodes.classes.writeLogarithms(integrals, to: gaps)
      } else {
        nodes.classes.writeProbabilities(integrals, to: gaps)
      }
      return sums
    }
    pullBack(vectors, at: row, nodes: nodes, integrals: integrals, for: request)
    return sums
  }

  /// One class is ahead of all others by more than any number.
  private func certain(
    _ row: UnsafeMutableBufferPointer<Double>, leader: Int, for request: Request, vectors: RowVectors
  ) -> RowSums {
    let isLogarithm = request.contains(.logarithms)
    for index in row.indices {
      row[index] = index == leader ? (isLogarithm ? 0 : 1) : isLogarithm ? -.infinity : 0
    }
    if request.contains(.pullback) { vectors.cotangent.update(repeating: 0) }
    var sums = RowSums()
    sums.excess = 0
    return sums
  }

  func seconds(forRowOf count: Int) -> Double { 3e-7 + 8e-9 * Double(count) }
}
