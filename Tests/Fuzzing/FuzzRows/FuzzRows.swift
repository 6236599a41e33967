import Noisemax

/// What every row is put through, made once.
private let transforms = ShippedLaw.all.flatMap { entry in
  [NoisyArgmax(entry.noise), NoisyArgmax(entry.noise, method: .quantileRule(points: 3))]
}

/// One row of anything: what its bytes are read as, and what comes out.
struct Pass {
  let argmax: NoisyArgmax
  let usesFloat: Bool
  private let quantity: UInt8
  private var bytes: ArraySlice<UInt8>

  /// The first bytes choose the law, the method, the precision, what is asked for and the scale; the others are the row and
  /// its cotangent.
  init?(_ input: UnsafeBufferPointer<UInt8>) {
    bytes = Array(input)[...]
    guard bytes.count >= 11, let choice = bytes.popFirst(), let kind = bytes.popFirst(),
      let quantity = bytes.popFirst()
    else { return nil }
    self.quantity = quantity % 8
    usesFloat = kind & 1 == 1
    var words = Self.numbers(bytes.prefix(8), as: Double.self)
    bytes = bytes.dropFirst(8)
    let scale = words.popLast().map(\.magnitude) ?? 1
    let law = transforms[Int(choice) % transforms.count]
    argmax = NoisyArgmax(law, scale: kind & 2 == 0 || scale == 0 || !scale.isFinite ? 1 : scale)
  }

  func run() {
    if usesFloat { run(as: Float.self) } else { run(as: Double.self) }
  }

  private func run<Scalar: LogitScalar>(as type: Scalar.Type) {
    let numbers = Self.numbers(bytes.prefix(64 * MemoryLayout<Scalar>.size), as: type)
    let (row, cotangent) = (Array(numbers[..<(numbers.count / 2)]), Array(numbers.suffix(numbers.count / 2)))
    guard !row.isEmpty else { return }
    let isUndefined = row.contains { $0.isNaN } || row.count { $0 == .infinity } > 1
    let isMasked = row.allSatisfy { $0 == -.infinity }
    let ones = cotangent.enumerated().map { Scalar($0.offset % 3) - 1 }
    let target = Int(bytes.first ?? 0) % row.count
    let isExact = argmax.method == .exact
    func demandDefined(_ values: [Scalar], _ name: String) {
      demand(values.allSatisfy { $0.isNaN == isUndefined }, name, values, row)
    }
    func demandLoss(_ value: Scalar, _ name: String) {
      demand(value.isNaN == isUndefined && !(value < 0), name, [value], row)
    }
    switch quantity {
    case 0:
      let p = argmax.probabilities(for: row)
      let sum = p.reduce(0.0) { $0 + Double($1) }
      let bound = Scalar.significandBitCount > 23 ? 1e-14 : 2e-6
      demand(
        isUndefined
          ? p.allSatisfy(\.isNaN)
          : p.allSatisfy { $0 >= 0 && $0 <= 1 } && (sum - (isMasked ? 0 : 1)).magnitude <= bound,
        "probabilities", p, row)
    case 1:
      let logP = argmax.logProbabilities(for: row)
      demand(logP.allSatisfy { isUndefined ? $0.isNaN : $0 <= 0 }, "log-probabilities", logP, row)
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
      demand(maximum.isNaN == row.contains { $0.isNaN }, "expected maximum", [maximum], row)
    default:
      var generator = StreamGenerator(seed: UInt64(target))
      let index = argmax.randomIndex(for: row, using: &generator)
      demand(
        index.map { row[$0] > -.infinity } ?? (isUndefined || isMasked), "index",
        index.map { [Scalar($0)] } ?? [], row)
      let sample = argmax.relaxedSample(for: row, temperature: 0.5, using: &generator)
      demand(
        sample.value.allSatisfy { isUndefined ? $0.isNaN : $0 >= 0 && $0 <= 1 }, "sample", sample.value, row)
    }
  }

  private func demand<Scalar: LogitScalar>(
    _ condition: Bool, _ name: String, _ values: [Scalar], _ row: [Scalar]
  ) {
    if !condition {
      fatalError("\(name) \(values) of \(row) under \(argmax.noise), \(argmax.method), scale \(argmax.scale)")
    }
  }

  private static func numbers<Scalar: LogitScalar>(_ bytes: ArraySlice<UInt8>, as type: Scalar.Type)
    -> [Scalar]
  {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<Scalar>.size).map {
        raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Scalar>.size, as: type)
      }
    }
  }
}

/// What libFuzzer calls with every input it makes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  Pass(UnsafeBufferPointer(start: start, count: count))?.run()
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager's name for what it starts, beside which libFuzzer's own `main` is left aside.
@_cdecl("FuzzRows_main")
public func main(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var (count, arguments) = (count, arguments)
  return runFuzzer(&count, &arguments) { start, count in fuzz(start, count) }
}
