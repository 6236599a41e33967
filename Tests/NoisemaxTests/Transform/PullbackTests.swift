import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Derivatives of the probabilities: against independent values, finite differences, and what theory says of J.
@Suite struct PullbackTests {
  static let references = ShippedLaw.all.map(\.name)
  static let methods: [NoisyArgmax.Method] = [
    .exact, .quantileRule(points: 8), .quantileRule(points: 8, normalized: false),
  ]

  /// Every entry within 1e-11 of what it is made of.
  @Test(arguments: references)
  func agreesWithIndependentValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let transforms = [NoisyArgmax(noise)] + (law == "gumbel" ? [try LatticeTests.transform(law)] : [])
    for argmax in transforms {
      for row in try Fixture.argmaxCases(of: law, upTo: isDebugBuild ? 20 : .max) {
        let result = argmax.pullback(for: row.logits, of: row.cotangent)
        let single = argmax.pullback(for: row.logits.map { Float($0) }, of: row.cotangent.map { Float($0) })
        let jacobian = argmax.jacobian(for: row.logits)
        let truth = try row.pullback.map(double)
        let largest = truth.map(\.magnitude).max() ?? 0
        for i in result.indices {
          let content = row.logits.indices.reduce(0) {
            $0 + jacobian[i][$1].magnitude * (row.cotangent[i] - row.cotangent[$1]).magnitude
          }
          let error = (result[i] - truth[i]).magnitude
          #expect(
            error <= 1e-11 * content + 1e-300,
            "\(row.testDescription), class \(i): \(result[i]), not \(truth[i])")
          #expect(
            (Double(single[i]) - truth[i]).magnitude <= 1e-5 * largest + 1e-38,
            "\(row.testDescription), class \(i)")
        }
      }
    }
  }

  @Test(arguments: ShippedLaw.all.map(\.name), methods)
  func equalsFiniteDifferences(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(
      noise, scale: 1.5, method: method)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02]
    let cotangent = [0.5, -1, 2, 100, 0.25]
    func value(_ row: [Double]) -> Double {
      let p = argmax.probabilities(for: row)
      return row.indices.reduce(0.0) { $0 + p[$1] * cotangent[$1] }
    }
    let pullback = argmax.pullback(for: logits, of: cotangent)
    for index in logits.indices {
      let step = 1e-5
      let (below, above) = (
        logits.enumerated().map { $1 - ($0 == index ? step : 0) },
        logits.enumerated().map { $1 + ($0 == index ? step : 0) }
      )
      let slope = index == 3 ? 0 : (value(above) - value(below)) / (2 * step)
      #expect((pullback[index] - slope).magnitude <= 1e-8, "class \(index): \(pullback[index]), not \(slope)")
    }
  }

  /// Symmetric, rows that sum to zero, positive semidefinite, zero for masked classes.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func theJacobianIsThatOfAConvexPotential(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(
      noise)
    var rows = AdversarialRows(generator: SplitMix64(seed: 9))
    for _ in 0..<10 {
      let row = rows.next(largest: 12) + [-.infinity]
      let jacobian = argmax.jacobian(for: row)
      for i in row.indices {
        let size = jacobian[i].map(\.magnitude).max() ?? 0
        #expect(jacobian[i].reduce(0, +).magnitude <= 1e-13, "\(row)")
        #expect(jacobian[i][row.count - 1] == 0)
        for j in row.indices {
          #expect((jacobian[i][j] - jacobian[j][i]).magnitude <= 1e-12 * size + 1e-16, "\(row), \(i), \(j)")
          if i != j { #expect(jacobian[i][j] <= 1e-16, "\(row), \(i), \(j)") }
        }
      }
      let vector: [Double] = row.indices.map { sin(Double($0 * $0)) }
      let image = argmax.pullback(for: row, of: vector)
      let form = row.indices.reduce(0.0) { $0 + vector[$1] * image[$1] }
      #expect(form >= -1e-15, "\(row)")
    }
  }

  @Test func theProbabilitiesAreTheGradientOfTheExpectedMaximum() throws {
    let logits = [0.31, -0.22, 0.57, 0.02]
    for entry in ShippedLaw.all {
      let argmax = NoisyArgmax(entry.noise)
      let p = argmax.probabilities(for: logits)
      for index in logits.indices {
        var (below, above) = (logits, logits)
        below[index] -= 1e-4
        above[index] += 1e-4
        let slope = (argmax.expectedMaximum(for: above) - argmax.expectedMaximum(for: below)) / 2e-4
        #expect((slope - p[index]).magnitude <= 1e-7, "\(entry.name), class \(index)")
      }
    }
  }

  /// Logits that are multiples of a power of two lie between cells, and all steps must take them to be in the same one.
  @Test(arguments: ["normal", "logistic"], [300, 1000, 5000])
  func coarseLogitsAreAsTheirNeighbours(law: String, count: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let v = (0..<count).map { Double($0 * 7919 % 101) / 100 }
    let quantities: [([Double]) -> [Double]] = [
      { argmax.probabilities(for: $0) }, { argmax.logProbabilities(for: $0) },
      { argmax.pullback(for: $0, of: v) }, { argmax.logProbabilitiesPullback(for: $0, of: v) },
    ]
    for exponent in -7...1 {
      for digits in 1...3 {
        let unit = Double(sign: .plus, exponent: exponent, significand: Double(digits))
        let row = (0..<count).map { Double(-($0 % 3)) * unit }
        let neighbour = row.map { $0 < 0 ? $0 - 1e-13 : 0 }
        for (index, quantity) in quantities.enumerated() {
          let (values, others) = (quantity(row), quantity(neighbour))
          let largest = values.map(\.magnitude).max() ?? 0
          let difference = zip(values, others).map { ($0 - $1).magnitude }.max() ?? 0
          #expect(
            difference <= 1e-11 * largest, "quantity \(index), \(count) classes, multiples of \(unit)")
        }
      }
    }
  }

  /// Long rows of coarse and of fine logits, in every way that they are computed.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func longRowsHaveTheSlopesOfTheirValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    // A law with kinks has jumps in some derivative.
    let (step, bound) = noise is any PiecewiseNoise ? (1e-5, 1e-3) : (1e-4, 1e-6)
    var generator = SplitMix64(seed: 77)
    for count in isDebugBuild ? [30, 300] : [30, 300, 3000] {
      for exponent in [-5, -3, -1, 0, -40] {
        let unit = Double(sign: .plus, exponent: exponent, significand: 1)
        let singleRow = (0..<count).map { _ in
          Float((Double.random(in: -2...0, using: &generator) / unit).rounded() * unit)
        }
        let singleV = singleRow.map { _ in Float.random(in: -1...1, using: &generator) }
        let (row, v) = (singleRow.map { Double($0) }, singleV.map { Double($0) })
        let direction = row.map { _ in Double.random(in: -1...1, using: &generator) }
        func slope(_ values: ([Double]) -> [Double]) -> Double {
          let above = values(zip(row, direction).map { $0 + step * $1 })
          let below = values(zip(row, direction).map { $0 - step * $1 })
          return row.indices.reduce(0) { $0 + v[$1] * (above[$1] - below[$1]) } / (2 * step)
        }
        func check(_ name: String, _ gradient: [Double], _ single: [Float], _ slope: Double) {
          let along = zip(direction, gradient).reduce(0) { $0 + $1.0 * $1.1 }
          let content = zip(direction, gradient).reduce(0) { $0 + ($1.0 * $1.1).magnitude }
          let testCase = "\(law), \(count) classes, multiples of \(unit), \(name)"
          #expect((along - slope).magnitude <= bound * content, "\(testCase): \(along), not \(slope)")
          let largest = gradient.map(\.magnitude).max() ?? 0
          let worst = zip(gradient, single).map { ($0 - Double($1)).magnitude }.max() ?? 0
          #expect(worst <= 1e-5 * largest, "\(testCase): Floats are off by \(worst) of \(largest)")
        }
        check(
          "p", argmax.pullback(for: row, of: v), argmax.pullback(for: singleRow, of: singleV),
          slope { argmax.probabilities(for: $0) })
        // Classes beyond the width of the law have log p = −∞.
        if noise is Uniform { continue }
        check(
          "log p", argmax.logProbabilitiesPullback(for: row, of: v),
          argmax.logProbabilitiesPullback(for: singleRow, of: singleV),
          slope { argmax.logProbabilities(for: $0) })
      }
    }
  }

  @Test func edgesHaveNoGradient() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.pullback(for: [Double](), of: []).isEmpty)
    #expect(argmax.pullback(for: [1], of: [5]) == [0])
    #expect(argmax.pullback(for: [-.infinity, 1] as [Double], of: [5, 3]) == [0, 0])
    #expect(argmax.pullback(for: [.infinity, 1] as [Double], of: [5, 3]) == [0, 0])
    #expect(argmax.pullback(for: [.nan, 1] as [Double], of: [5, 3]).allSatisfy { $0.isNaN })
    #expect(argmax.pullback(for: [-.infinity, 1, 2] as [Double], of: [.infinity, 3, 3]) == [0, 0, 0])
    let (p, pullback) = argmax.probabilitiesWithPullback(for: [1.0, 2])
    #expect(p == argmax.probabilities(for: [1, 2]))
    #expect(pullback([1, 0]) == argmax.pullback(for: [1, 2], of: [1, 0]))
    let batch = argmax.pullback(for: Rows([1.0, 2, 3, 0], length: 2), of: Rows([1, 0, 0, 1], length: 2))
      .elements
    #expect(batch == argmax.pullback(for: [1, 2], of: [1, 0]) + argmax.pullback(for: [3, 0], of: [0, 1]))
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.gumbel).pullback(for: [1, 2], of: [1]) }
  }

  /// Cotangents are replaced in place by the same bits that go elsewhere.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func pullbacksGoInPlace(law: String) throws {
    let entry = try #require(ShippedLaw.all.first { $0.name == law })
    let argmax = NoisyArgmax(entry.noise, method: .exact)
    let logits: [Double] = [0.5, -1, 0.25, 0.125, -.infinity, 2, 1, 1.5, 0.75]
    let cotangent = [1, -2, 0.5, 3, 1, 0, -1, 0.25, 2.0]
    var workspace = NoisyArgmax.Workspace()
    var (ofP, ofLogP) = (cotangent, cotangent)
    var span = ofP.mutableSpan
    argmax.formPullback(in: &span, for: logits.span, rowLength: 3, workspace: &workspace)
    var logSpan = ofLogP.mutableSpan
    argmax.formLogProbabilitiesPullback(in: &logSpan, for: logits.span, rowLength: 3, workspace: &workspace)
    #expect(ofP == argmax.pullback(for: Rows(logits, length: 3), of: Rows(cotangent, length: 3)).elements)
    #expect(
      ofLogP
        == argmax.logProbabilitiesPullback(for: Rows(logits, length: 3), of: Rows(cotangent, length: 3))
        .elements)
  }
}
