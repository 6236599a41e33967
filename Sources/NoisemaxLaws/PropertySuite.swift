import Noisemax

/// The properties that every law of noise and every transform of this library keeps, as a suite to run on your own.
///
/// ```swift
/// @Test func myNoiseIsALaw() {
///   #expect(PropertySuite().failures(of: MyNoise()) == [])
///   let argmax = NoisyArgmax(MyNoise(), points: 16)
///   #expect(PropertySuite().failures(of: argmax) == [])
/// }
/// ```
///
/// Failures come back as values, so that any test framework can show them. Everything random follows from the seed:
/// the same seed gives the same rows on every platform. Each property is reported at most once a subject, on the
/// smallest row that shrinking finds.
public struct PropertySuite: Sendable {
  /// Where the random rows and points start from.
  public var seed: UInt64
  /// How many random rows a transform is tried on, besides the fixed ones.
  public var rows: Int
  /// The size of the largest random row.
  public var largestRow: Int

  /// A suite; the defaults take a few seconds for a transform whose cost is linear in the row.
  public init(seed: UInt64 = 20_240_229, rows: Int = 150, largestRow: Int = 1000) {
    require(rows >= 1, "a suite needs at least 1 row, not \(rows)")
    require(largestRow >= 2, "the largest row has at least 2 classes, not \(largestRow)")
    self.seed = seed
    self.rows = rows
    self.largestRow = largestRow
  }

  /// Checks a transform in both precisions, in all its forms.
  public func failures(of argmax: NoisyArgmax) -> [PropertyFailure] {
    failures(of: Transform<Double>(argmax)) + failures(of: Transform<Float>(argmax))
  }

  /// Checks any map from logits to probabilities.
  public func failures<Scalar>(of transform: Transform<Scalar>) -> [PropertyFailure] {
    let properties = transform.properties.map { property in
      Property<Scalar, [Scalar]>(name: property.name) { row, p, generator in
        property.violation(transform, row, p, &generator)
      }
    }
    return failures(
      properties, of: transform.name, method: transform.method, largestRow: largestRow,
      evidence: transform.probabilities)
  }

  /// What a row is checked for, given what is known of it.
  struct Property<Scalar: LogitScalar, Evidence> {
    let name: String
    let violation: (_ row: [Scalar], Evidence, inout SplitMix64) -> String?
  }

  /// Tries properties on the fixed rows and on random ones.
  func failures<Scalar, Evidence>(
    _ properties: [Property<Scalar, Evidence>], of subject: String, method: String, largestRow: Int,
    evidence: ([Scalar]) -> Evidence
  ) -> [PropertyFailure] {
    var generator = SplitMix64(seed: seed)
    let series: [[Scalar]] =
      fixedRows.map { $0.map { Scalar($0) } }
      + (0..<rows).map { randomRow(number: $0, of: rows, largest: largestRow, using: &generator) }
    return failures(
      properties, of: subject, method: method, series: series, generator: &generator, evidence: evidence)
  }

  /// Tries properties on rows, each until it fails, and shrinks the row on which it does.
  func failures<Scalar, Evidence>(
    _ properties: [Property<Scalar, Evidence>], of subject: String, method: String, series: [[Scalar]],
    generator: inout SplitMix64, evidence: ([Scalar]) -> Evidence
  ) -> [PropertyFailure] {
    var failures: [PropertyFailure] = []
    var open = properties
    for row in series {
      let rowSeed = generator.next()
      let known = evidence(row)
      open.removeAll { property in
        let violation = { (row: [Scalar], evidence: Evidence) in
          var generator = SplitMix64(seed: rowSeed)
          return property.violation(row, evidence, &generator)
        }
        guard violation(row, known) != nil else { return false }
        let smallest = shrunk(row) { violation($0, evidence($0)) != nil }
        failures.append(
          PropertyFailure(
            property: property.name, subject: subject, method: method, seed: seed,
            row: smallest.map { Double($0) }, originalRowLength: row.count,
            detail: violation(smallest, evidence(smallest)) ?? ""))
        return true
      }
    }
    return failures
  }

  /// Checks that a law is one: cumulative function, density and quantile agree with each other, for an
  /// `ExactNoise` also both tails, both logarithms, mean and variance, and then what its exact method asks for: the
  /// reversed hazard of a `SmoothNoise`, the log-density and the kinks of a `PiecewiseNoise`.
  ///
  /// - Parameters:
  ///   - noise: the law.
  ///   - name: what failures call it.
  ///   - centre: the point about which the law claims to be symmetric, if it does.
  ///   - tolerance: the relative error up to which two ways to the same value agree, before conditioning.
  /// - Returns: what does not hold, one failure a property.
  public func failures(
    of noise: some NoiseDistribution, named name: String? = nil, symmetricAbout centre: Double? = nil,
    tolerance: Double = 1e-10
  ) -> [PropertyFailure] {
    let checks = LawChecks(noise: noise, centre: centre, tolerance: tolerance, seed: seed)
    return checks.violations().map { violation in
      PropertyFailure(
        property: violation.property, subject: name ?? "\(noise)", method: "", seed: seed, row: [],
        originalRowLength: 0, detail: violation.detail)
    }
  }
}
