import Noisemax

/// What every row is put through, made once.
private let transforms = ShippedLaw.all.flatMap { entry in
  [NoisyArgmax(entry.noise), NoisyArgmax(entry.noise, method: .quantileRule(points: 3))]
}

/// One row of anything, up to some thousand classes: what its bytes are read as, and what comes out.
struct Pass<Scalar: LogitScalar> {
  private let argmax: NoisyArgmax
  private let quantity: Int
  private let target: Int
  private let row, cotangent, ones: [Scalar]
  private let isUndefined, isMasked: Bool

  /// The first bytes choose the law, the method, what is asked for, the scale and the length; the others are the row and
  /// its cotangent.
  init?(_ input: inout Input) {
    let law = transforms[input.choice(of: transforms.count)]
    quantity = input.choice(of: 8)
    let isScaled = input.choice(of: 2) == 1
    argmax = NoisyArgmax(law, scale: isScaled ? input.scale() : 1)
    let repetition = input.repetition(longest: law.method == .exact ? 8192 : 100)
    let number = input.choice(of: 256)
    let numbers = input.numbers(64, as: Scalar.self)
    row = repetition.logits(Array(numbers[..<(numbers.count / 2)]))
    guard !row.isEmpty else { return nil }
    cotangent = repetition.others(Array(numbers.suffix(numbers.count / 2)), count: row.count)
    ones = row.indices.map { Scalar($0 % 3) - 1 }
    target = number * row.count / 256
    isUndefined = FuzzRows.isUndefined(row)
    isMasked = row.allSatisfy { $0 == -.infinity }
  }

  func run() {
    let isExact = argmax.method == .exact
    switch quantity {
    case 0: checkProbabilities()
    case 1:
      let logP = argmax.logProbabilities(for: row)
      demand(logP.allSatisfy { isUndefined ? $0.isNaN : $0 <= 0 }, "log-probabilities", logP)
      if isExact && !isUndefined {
        let p = argmax.probabilities(for: row)
        demand(areLogarithms(logP, of: p, under: argmax.noise), "the logarithms of \(p),", logP)
      }
    case 2:
      _ = argmax.pullback(for: row, of: cotangent)
      demandDefined(argmax.pullback(for: row, of: ones), "pullback")
    case 3:
      _ = argmax.logProbabilitiesPullback(for: row, of: cotangent)
      demandDefined(argmax.logProbabilitiesPullback(for: row, of: ones), "pullback of logarithms")
    case 4:
      demandLoss(
        argmax.lossWithGradient(for: row, target: target, as: .negativeLogLikelihood).value, "likelihood")
    case 5 where isExact: demandLoss(argmax.lossWithGradient(for: row, target: target).value, "loss")
    case 6 where isExact:
      demandLoss(argmax.valueWithGradient(of: .generalizedEntropy, for: row).value, "entropy")
      let maximum = argmax.expectedMaximum(for: row)
      demand(maximum.isNaN == row.contains { $0.isNaN }, "expected maximum", [maximum])
    default: checkDraws()
    }
  }

  private func checkProbabilities() {
    let p = argmax.probabilities(for: row)
    let bound = Scalar.significandBitCount > 23 ? 1e-14 : 2e-6
    let defect = (compensatedSum(p) - (isMasked ? 0 : 1)).magnitude
    demand(
      isUndefined ? p.allSatisfy(\.isNaN) : p.allSatisfy { $0 >= 0 && $0 <= 1 } && defect <= bound,
      "probabilities", p)
  }

  private func checkDraws() {
    var generator = StreamGenerator(seed: UInt64(target))
    let index = argmax.randomIndex(for: row, using: &generator)
    demand(
      index.map { row[$0] > -.infinity } ?? (isUndefined || isMasked), "index",
      index.map { [Scalar($0)] } ?? [])
    let sample = argmax.relaxedSample(for: row, temperature: 0.5, using: &generator)
    demand(sample.value.allSatisfy { isUndefined ? $0.isNaN : $0 >= 0 && $0 <= 1 }, "sample", sample.value)
  }

  private func demandDefined(_ values: [Scalar], _ name: String) {
    demand(values.allSatisfy { $0.isNaN == isUndefined }, name, values)
  }

  private func demandLoss(_ value: Scalar, _ name: String) {
    demand(value.isNaN == isUndefined && !(value < 0), name, [value])
  }

  private func demand(_ condition: Bool, _ name: String, _ values: [Scalar]) {
    if !condition {
      fatalError("\(name) \(values) of \(row) under \(argmax.noise), \(argmax.method), scale \(argmax.scale)")
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

@_cdecl("FuzzRows_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  runFuzzer(count, arguments) { start, count in fuzz(start, count) }
}
