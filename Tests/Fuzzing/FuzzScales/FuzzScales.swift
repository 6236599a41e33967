import Noisemax

private let transforms = ShippedLaw.all.map { NoisyArgmax($0.noise) }

/// One row whose classes have scales of their own: the k largest, orders, the inverse, draws.
struct Pass<Scalar: LogitScalar> {
  private let argmax: NoisyArgmax
  private let quantity: Int
  /// k, from 1 to the length of the row, or 32.
  private let largest: Int
  private let row, scales, cotangent: [Scalar]
  private let isUndefined: Bool
  /// What a probability and a sum of them may be off by.
  private let bound = Scalar.significandBitCount > 23 ? 1e-9 : 1e-5

  init?(_ input: inout Input) {
    let law = transforms[input.choice(of: transforms.count)]
    quantity = input.choice(of: 8)
    argmax = NoisyArgmax(law, scale: input.choice(of: 2) == 1 ? input.scale() : 1)
    let repetition = input.repetition(longest: quantity == 5 ? 100 : 300)
    let number = input.choice(of: 256)
    let numbers = input.numbers(48, as: Scalar.self)
    let third = numbers.count / 3
    row = repetition.logits(Array(numbers[..<third]))
    guard !row.isEmpty else { return nil }
    // The work is in proportion to it.
    largest = 1 + number * min(row.count, 32) / 256
    var found: Set<Scalar> = []
    // No two classes without noise may tie.
    scales = zip(row, repetition.others(Array(numbers[third..<2 * third]), count: row.count)).map {
      logit, scale in
      let scale = scale.magnitude
      if scale == 0, found.insert(logit).inserted { return scale }
      return scale > 1e-30 && scale < 1e30 ? scale : 1
    }
    cotangent = repetition.others(Array(numbers[(2 * third)...]), count: row.count)
    isUndefined = FuzzScales.isUndefined(row)
  }

  func run() {
    switch quantity {
    case 0: checkInclusions(argmax.probabilities(for: row, scales: scales), 1)
    case 1:
      checkInclusions(argmax.inclusionProbabilities(for: row, largest: largest, scales: scales), largest)
    case 2:
      let logP = argmax.logProbabilities(for: row, scales: scales)
      demand(logP.allSatisfy { isUndefined ? $0.isNaN : $0 <= 0 }, "log-probabilities", logP)
      if !isUndefined {
        let p = argmax.probabilities(for: row, scales: scales)
        demand(areLogarithms(logP, of: p, under: argmax.noise), "the logarithms of \(p)", logP)
      }
    case 3:
      let ones = row.indices.map { Scalar($0 % 3) - 1 }
      _ = argmax.inclusionPullback(for: row, largest: largest, of: cotangent, scales: scales)
      let slopes = argmax.inclusionPullback(for: row, largest: largest, of: ones, scales: scales)
      demand(slopes.logits.allSatisfy { $0.isNaN == isUndefined }, "slopes in logits", slopes.logits)
      demand(slopes.scales.allSatisfy { $0.isNaN == isUndefined }, "slopes in scales", slopes.scales)
    case 4: checkOrdering()
    case 5: checkInverse()
    case 6:
      let sum = argmax.expectedSum(for: row, largest: largest, scales: scales)
      demand(sum.isNaN == row.contains { $0.isNaN }, "expected sum", [sum])
    default: checkDraw()
    }
  }

  private func checkInclusions(_ p: [Scalar], _ largest: Int) {
    let wanted = Double(min(largest, row.count { $0 > -.infinity }))
    let defect = (compensatedSum(p) - wanted).magnitude
    demand(
      isUndefined
        ? p.allSatisfy(\.isNaN)
        : p.allSatisfy { $0 >= 0 && Double($0) <= 1 + bound } && defect <= bound * Double(row.count),
      "the \(largest) largest", p)
  }

  private func checkOrdering() {
    let moving = scales.map { $0 > 0 ? $0 : 1 }
    let ordering = Array((0..<row.count).reversed().prefix(min(largest, 5)))
    let value = argmax.orderingLogProbability(for: row, ordering: ordering, scales: moving)
    demand(isUndefined ? value.isNaN : value <= 0, "ordering \(ordering)", [value])
    let loss = argmax.rankingLossWithGradient(for: row, scales: moving, ordering: ordering)
    demand(loss.value.isNaN == isUndefined, "ranking loss", [loss.value])
  }

  /// The probabilities of the row without scales are those of its inverse.
  private func checkInverse() {
    let p = NoisyArgmax(argmax, scale: 1).probabilities(for: row)
    guard !isUndefined, NoisyArgmax.complaint(aboutProbabilities: p) == nil else { return }
    // The logits of so wide a noise are no Floats.
    guard argmax.scale < 1e30 else { return }
    let logits = argmax.logits(for: p)
    demand(logits.allSatisfy { !$0.isNaN && $0 < .infinity }, "inverse of \(p)", logits)
  }

  private func checkDraw() {
    var generator = StreamGenerator(seed: UInt64(largest))
    let index = argmax.randomIndex(for: row, scales: scales, using: &generator)
    let isMasked = row.allSatisfy { $0 == -.infinity }
    demand(
      index.map { row[$0] > -.infinity } ?? (isUndefined || isMasked), "index",
      index.map { [Scalar($0)] } ?? [])
  }

  private func demand(_ condition: Bool, _ name: String, _ values: [Scalar]) {
    if !condition {
      fatalError(
        "\(name): \(values) of \(row), scales \(scales), under \(argmax.noise), scale \(argmax.scale)")
    }
  }
}

/// What libFuzzer calls with every input it makes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var input = Input(start, count)
  if input.choice(of: 2) == 0 { Pass<Double>(&input)?.run() } else { Pass<Float>(&input)?.run() }
  return 0
}

@_cdecl("FuzzScales_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  runFuzzer(count, arguments) { start, count in fuzz(start, count) }
}
