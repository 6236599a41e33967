import Noisemax

/// The logits that everyone gets and the exact probabilities of their first rows, made when first asked for.
final class SharedRows {
  private var logitsOfSize: [Int: [Double]] = [:]
  private var exactOfName: [String: [Double]] = [:]

  /// The rows of one size, one after the other.
  func logits(of size: Int) -> [Double] {
    if let logits = logitsOfSize[size] { return logits }
    var random = RandomLogits(seed: UInt64(size))
    let logits = (0..<BenchmarkCase.rows(of: size)).flatMap { _ in random.row(of: size) }
    logitsOfSize[size] = logits
    return logits
  }

  /// The exact result in Double for the first row of a size.
  func exact(under law: ShippedLaw, size: Int, pass: BenchmarkCase.Pass = .forward) -> [Double] {
    let name = "\(law.name)/\(size)/\(pass)"
    if let exact = exactOfName[name] { return exact }
    let row = Array(logits(of: size).prefix(size))
    let exact =
      switch pass {
      case .forward: NoisyArgmax(law).probabilities(for: row)
      case .backward: NoisyArgmax(law).pullback(for: row, of: row)
      }
    exactOfName[name] = exact
    return exact
  }
}
