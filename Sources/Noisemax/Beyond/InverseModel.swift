/// What the search asks of a transform, with a scale for each class if there are any.
final class InverseModel {
  let argmax: NoisyArgmax
  let scales: [Double]?
  private var workspace = NoisyArgmax.Workspace(threads: 1)

  init(argmax: NoisyArgmax, scales: [Double]?) { (self.argmax, self.scales) = (argmax, scales) }

  /// Noise of the law as a class has it.
  func noise(_ noise: Double, of index: Int) -> Double {
    let scale = scale(of: index)
    return scale == 0 ? 0 : scale * (noise + argmax.location)
  }

  /// The noise of the law that brings a class with noise to a point.
  func point(_ noise: Double, of index: Int) -> Double { noise / scale(of: index) - argmax.location }

  private func scale(of index: Int) -> Double { scales?[index] ?? 1 }

  func logProbabilities(at logits: [Double]) -> [Double] {
    guard let scales else {
      return [Double](unsafeUninitializedCapacity: logits.count) { result, count in
        logits.withUnsafeBufferPointer {
          _ = argmax.write(.logProbabilities, of: $0, to: result, workspace: &workspace)
        }
        count = logits.count
      }
    }
    return argmax.logProbabilities(for: logits, scales: scales)
  }

  func pullback(at logits: [Double], of cotangent: [Double]) -> [Double] {
    guard let scales else { return argmax.pullback(for: logits, of: cotangent) }
    return argmax.pullback(for: logits, scales: scales, of: cotangent).logits
  }

  /// ∂log p_i/∂μ_j of all classes i but one, row by row, from log p.
  func jacobian(at logits: [Double], _ logProbabilities: [Double], without held: Int) -> [Double] {
    let n = logits.count
    let lines = (0..<n).filter { $0 != held }
    var jacobian = [Double](repeating: 0, count: n * (n - 1))
    guard let meetings = meetings(at: logits, rarest: logProbabilities.min() ?? 0) else {
      for (line, index) in lines.enumerated() { jacobian[line * n + index] = 1 }
      return logPullbacks(at: logits, of: jacobian)
    }
    for (line, i) in lines.enumerated() {
      let inverse = exponential(-logProbabilities[i])
      var sum = 0.0
      for j in 0..<n where j != i {
        let (low, high) = (Swift.min(i, j), Swift.max(i, j))
        let entry = inverse * meetings[low * (2 * n - low - 1) / 2 + high - low - 1]
        jacobian[line * n + j] = -entry
        sum += entry
      }
      jacobian[line * n + i] = sum
    }
    return jacobian
  }

  /// −∂p_i/∂μ_j of all pairs i < j at once, with some three digits; nil where that is not to be had.
  private func meetings(at logits: [Double], rarest: Double) -> [Double]? {
    let law = argmax.classLaw(for: "inverse")
    // No step needs more digits, but rarer classes need more range.
    guard law.kinks.isEmpty, rarest > -100, scales?.contains(0) != true else { return nil }
    let pairs = Meetings.count(of: logits.count)
    return [Double](unsafeUninitializedCapacity: pairs) { result, count in
      guard let start = result.baseAddress else { return }
      logits.withUnsafeBufferPointer { logits in
        argmax.withOptionalBuffer(scales.map { Rows($0, length: logits.count) }) { scales in
          argmax.forEachScaledRow(
            of: logits, scales, RowShape(count: logits.count, rowLength: logits.count), largest: 1,
            under: law, numbers: 0, workspace: &workspace
          ) { row, _, _, workspace in
            row.writeMeetings(to: start, rarest: exponential(rarest), scratch: &workspace.method)
          }
        }
      }
      count = pairs
    }
  }

  /// The pullbacks of log p of one cotangent or of many, one after the other.
  ///
  /// On the caller's thread: an inverse may be one of many, or be asked for where there are no other threads.
  func logPullbacks(at logits: [Double], of cotangents: [Double]) -> [Double] {
    let (count, times) = (logits.count, cotangents.count / logits.count)
    func repeated(_ row: [Double]) -> [Double] { (0..<times).flatMap { _ in row } }
    if let scales {
      let rows = Rows(repeated(logits), length: count)
      return argmax.logProbabilitiesPullback(
        for: rows, scales: Rows(repeated(scales), length: count), of: Rows(cotangents, length: count)
      ).logits.elements
    }
    var result = [Double](repeating: 0, count: cotangents.count)
    var span = result.mutableSpan
    var workspace = NoisyArgmax.Workspace(threads: 1)
    argmax.writeLogProbabilitiesPullback(
      for: repeated(logits).span, of: cotangents.span, rowLength: count, to: &span, workspace: &workspace)
    return result
  }
}
