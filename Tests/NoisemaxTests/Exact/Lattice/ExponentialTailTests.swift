import Testing

@testable import Noisemax

/// Rows of a law with an exponential upper tail, with classes so far behind that they differ by a factor alone.
@Suite struct ExponentialTailTests {
  /// Log p, and the gradients of Σ v log p and of Σ v p, by Gauss sums in 45 digits.
  struct Case: Sendable, CustomStringConvertible {
    let logits, logP, gradient, pullback: [Double]

    var description: String { "\(logits)" }
    var v: [Double] { Array([1, -2, 3, -1, 2, -3, 1.5, -2.5].prefix(logits.count)) }
  }

  static let cases = [
    Case(
      logits: [0, -1, -2, -1e16],
      logP: [
        -0.53820829415182829256, -1.2440890707970318516, -2.0556986339361934838, -9999999999999999.8546,
      ],
      gradient: [0.26946201165142842069, -1.7388224438686864112, 2.4693604322172579905, -1],
      pullback: [0.23520208983433033189, -0.52238421740422387881, 0.28718212756989354692, 0]),
    Case(
      logits: [0, -5, -7, -650, -1200],
      logP: [
        -0.031273684764360566203, -3.6244204529819437462, -5.49064681280474907, -648.44709184596834797,
        -1198.447091845968348,
      ],
      gradient: [-1.6096147195447511461, -2.1830645164239941485, 2.7926792359687452946, -1, 2],
      pullback: [
        0.054323267374112621542, -0.063798752994713396927, 0.0094754856206007753849,
        -3.8593667022998026913e-282, 0,
      ]),
    Case(
      logits: [0, -30, -60, -61, -300, -5000],
      logP: [
        -2.71371066096819674e-12, -26.632704170013340007, -56.59880261833796808, -57.59880261833791175,
        -296.59880261833787838, -4996.5988026183378784,
      ],
      gradient: [
        0.96436781609487335976, -1.9643678160945316048, 2.9999999999996546759, -0.99999999999999643085, 2, -3,
      ],
      pullback: [
        7.8604032938284369604e-12, -7.8604032938288050042e-12, 5.5166017804950371425e-25,
        -1.8361639630163612285e-25, 1.6989060733947490774e-129, 0,
      ]),
    Case(
      logits: [0, -590, -600, -700.5, -10000],
      logP: [
        0, -583.62157389339659555, -593.61987892523425733, -694.1198782326258023, -9993.6198782326258023,
      ],
      gradient: [-1.9966159162443481295, -2.0033796202048798952, 2.9999955364492280247, -1, 2],
      pullback: [1.0297719483622714932e-253, -1.0298033024054721259e-253, 3.1354043200632690742e-258, 0, 0]),
    Case(
      logits: [0, 0, -0.5, -99, -104, -110, -740, -745],
      logP: [
        -0.98724133201412658566, -0.98724133201412658566, -1.3673011824408240548, -99.5401771322259942,
        -104.5401771322259942, -110.5401771322259942, -740.5401771322259942, -745.5401771322259942,
      ],
      gradient: [
        1.2197230633527875772, -0.97670856019106406375, 2.7569854968382764865, -1, 2, -3, 1.5, -2.5,
      ],
      pullback: [
        0.15303003023856962937, -0.66536733987640577716, 0.5123373096378361478, -8.6994073103323077305e-44,
        6.0480406819830091875e-46, -3.4210212328295708847e-48, 0, 0,
      ]),
  ]

  @Test(arguments: cases)
  func valuesAndGradients(of given: Case) {
    let argmax = NoisyArgmax(.logistic)
    let logP = argmax.logProbabilities(for: given.logits)
    let p = argmax.probabilities(for: given.logits)
    let gradient = argmax.logProbabilitiesPullback(for: given.logits, of: given.v)
    let pullback = argmax.pullback(for: given.logits, of: given.v)
    for index in given.logits.indices {
      let truth = given.logP[index]
      #expect(
        (logP[index] - truth).magnitude <= 1e-13 * max(1, truth.magnitude),
        "\(given), class \(index): log p \(logP[index]), not \(truth)")
      let expected = exponential(truth)
      #expect(
        truth < -690 ? p[index] < 1e-299 : (p[index] - expected).magnitude <= 2e-12 * expected,
        "\(given), class \(index): p \(p[index]), not \(expected)")
      #expect(
        (gradient[index] - given.gradient[index]).magnitude <= 2e-13,
        "\(given), class \(index): gradient of log p \(gradient[index]), not \(given.gradient[index])")
      let entry = given.pullback[index]
      #expect(
        (pullback[index] - entry).magnitude <= 1e-11 * entry.magnitude + 1e-300,
        "\(given), class \(index): gradient of p \(pullback[index]), not \(entry)")
      if truth < -720 { #expect(pullback[index] == 0, "\(given), class \(index): \(pullback[index])") }
    }
  }

  /// A cotangent that a rare class alone has moves its own logit and those of the others by what its probability allows.
  @Test func aRareClassMovesTheOthers() {
    let (argmax, row) = (NoisyArgmax(.logistic), [0, -1, -2, -300, -400] as [Double])
    for index in 3..<5 {
      let p = argmax.probabilities(for: row)[index]
      var v = [Double](repeating: 0, count: row.count)
      v[index] = 1 / p
      let ofP = argmax.pullback(for: row, of: v)
      v[index] = 1
      let ofLogP = argmax.logProbabilitiesPullback(for: row, of: v)
      for (first, second) in zip(ofP, ofLogP) {
        #expect((first - second).magnitude <= 1e-11 * second.magnitude, "\(index): \(ofP), \(ofLogP)")
      }
    }
  }

  /// Two reversed hazards are felt down to the third class: the last two meet over 300 units below the second.
  @Test func whatTheThirdClassFeels() {
    let (argmax, row) = (NoisyArgmax(.logistic), [0, -1, -300, -500] as [Double])
    let first = argmax.logProbabilitiesPullback(for: row, of: [0, 0, 0, 1])[2]
    let second = argmax.logProbabilitiesPullback(for: row, of: [0, 0, 1, 0])[3]
    #expect((first / -2.630977349426522747e-128 - 1).magnitude <= 1e-11, "\(first)")
    #expect((second / -3.6410004157943926774e-215 - 1).magnitude <= 1e-11, "\(second)")
  }

  /// Gumbel noise over 0.7 and moved, by the lattice: the rate of its tail is no whole number.
  private struct StretchedGumbel: SmoothNoise {
    static let rate = 0.7
    let mean = 0.0
    let variance = 1.0
    let location: Double
    /// A bend of log r, which is no law any more.
    var bend = 0.0
    func logCumulative(at x: Double) -> Double { -exponential(-Self.rate * (x - location)) }
    func cumulative(at x: Double) -> Double { exponential(logCumulative(at: x)) }
    func density(at x: Double) -> Double { exponential(logReversedHazard(at: x) + logCumulative(at: x)) }
    func quantile(at p: Double) -> Double { location - logarithm(-logarithm(p)) / Self.rate }
    func logReversedHazard(at x: Double) -> Double {
      logarithm(Self.rate) - Self.rate * (x - location) - bend * logarithm(1 + x.magnitude)
    }
    func survival(at x: Double) -> Double { -exponentialMinusOne(logCumulative(at: x)) }
    func upperQuantile(at q: Double) -> Double {
      location - logarithm(-logarithmOfOnePlus(-q)) / Self.rate
    }
    func logSurvival(at x: Double) -> Double { logarithm(survival(at: x)) }
  }

  /// The second law lies wholly below 0.
  @Test(arguments: [0.0, -1024])
  func anyLawWithSuchATail(location: Double) {
    #expect(ExponentialTail(of: StretchedGumbel(location: location), depth: 1000) != nil)
    let argmax = NoisyArgmax(StretchedGumbel(location: location))
    let softmax = NoisyArgmax(.gumbel)
    let row = [0, -0.5, -3, -120, -400, -900, -1e5, -3e200]
    let v = [1.0, -1, 2, 3, -2, 1, 2, -1]
    let scaled = row.map { StretchedGumbel.rate * $0 }
    for (first, second) in zip(argmax.logProbabilities(for: row), softmax.logProbabilities(for: scaled)) {
      #expect((first - second).magnitude <= 1e-12 * max(1, second.magnitude), "\(first), not \(second)")
    }
    let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
    for (first, second) in zip(gradient, softmax.logProbabilitiesPullback(for: scaled, of: v)) {
      #expect((first - StretchedGumbel.rate * second).magnitude <= 1e-11, "\(gradient), \(second)")
    }
  }

  @Test func lawsWithOtherTailsHaveNone() {
    #expect(ExponentialTail(of: Normal(), depth: 53) == nil)
    #expect(ExponentialTail(of: ReversedGumbel(), depth: 700) == nil)
    #expect(ExponentialTail(of: StretchedGumbel(location: 0, bend: 1), depth: 1000) == nil)
    #expect(ExponentialTail(of: Logistic(), depth: 706) != nil)
  }

  /// However far a row goes down, it takes about the memory, and with it the points and nodes, of one of 200 classes a unit apart.
  @Test(arguments: [Quantity.probabilities, .logProbabilities])
  func workDoesNotGrowWithWhatIsFarBelow(quantity: Quantity) {
    let argmax = NoisyArgmax(.logistic)
    func room(_ row: [Double], pullback: Bool) -> Int {
      var workspace = NoisyArgmax.Workspace(threads: 1)
      var values = row
      row.withUnsafeBufferPointer { row in
        values.withUnsafeMutableBufferPointer { values in
          let shape = RowShape(count: row.count, rowLength: nil)
          if pullback {
            argmax.writePullback(
              through: quantity, at: row, of: row, shape, to: values, workspace: &workspace)
          } else {
            argmax.write(quantity, of: row, shape, to: values, workspace: &workspace)
          }
        }
      }
      return workspace.room
    }
    for pullback in [false, true] {
      let ordinary = room((0..<1000).map { $0 < 200 ? -Double($0) : -1e9 }, pullback: pullback)
      let groups: [Double] = (0..<1000).map { $0 < 3 ? -Double($0) : -1e6 * Double($0) }
      for row in [(0..<1000).map { -Double($0) }, (0..<1000).map { -30 * Double($0) }, groups] {
        let taken = room(row, pullback: pullback)
        #expect(taken <= 3 * ordinary, "\(quantity), \(pullback), \(row.prefix(5)): \(taken), \(ordinary)")
      }
    }
  }
}
