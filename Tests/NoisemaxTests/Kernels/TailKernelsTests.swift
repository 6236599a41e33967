import Foundation
import NoiseKernels
import Noisemax
import Testing

/// The loops of rows under laws with exponential tails, as every instruction set runs them, against plain sums.
@Suite struct TailKernelsTests {
  private static let gaps = (0..<1030).map { $0 % 50 == 7 ? 0 : -Double($0 * 37 % 101) / 16 }
  private static let padding = [Double](repeating: -.infinity, count: 8)

  @Test(arguments: InstructionSet.available)
  func tailsAndTheirPowers(set: InstructionSet) throws {
    let (gaps, count) = (Self.gaps, Self.gaps.count)
    var tails = [Double](repeating: .nan, count: count + 8)
    let survey = set.kernels.tails(of: gaps + Self.padding, count, rise: 0.5, shift: -1, to: &tails)
    for index in 0..<count {
      let expected = exp(gaps[index] + 0.5) / 2
      #expect(isClose(tails[index], expected, within: 1e-15 * expected), "\(set), \(index)")
    }
    #expect(tails[count] == 0)
    #expect(
      survey.leaders == gaps.count { $0 == 0 } && survey.open == count && survey.finite == count,
      "\(set): \(survey)")
    #expect(survey.second == gaps.filter { $0 < 0 }.max(), "\(set): \(survey)")
    let others = zip(gaps, tails).reduce(0) { $0 + ($1.0 < 0 ? $1.1 : 0) }
    #expect(isClose(survey.sumOfOthers, others, within: 1e-13 * others), "\(set): \(survey)")

    // One of the tails: it is far, as those below it are.
    let (limit, factor) = (try #require(tails[..<count].filter { $0 <= 0.25 }.max()), 4.0)
    let u = (0..<count).map { cos(Double($0)) }
    var (sums, weighted) = ([Double](repeating: .nan, count: 24), [Double](repeating: .nan, count: 24))
    var near = [Int](repeating: -1, count: count)
    let found = set.kernels.powerSums(of: tails, count, factor: factor, limit: limit, to: &sums, near: &near)
    set.kernels.powerSums(
      of: tails, weights: u + Self.padding, count, factor: factor, limit: limit, to: &weighted)
    #expect(Array(near[..<found]) == (0..<count).filter { tails[$0] > limit }, "\(set)")
    for k in 0..<tailTerms {
      let far = (0..<count).filter { tails[$0] <= limit }
      let sum = far.reduce(0) { $0 + pow(factor * tails[$1], Double(k + 1)) }
      #expect(isClose(sums[k], sum, within: 1e-13 * sum), "\(set), power \(k): \(sums[k]), not \(sum)")
      let content = far.reduce(0) { $0 + pow(factor * tails[$1], Double(k)) }
      let other = far.reduce(0) { $0 + u[$1] * pow(factor * tails[$1], Double(k)) }
      #expect(isClose(weighted[k], other, within: 1e-14 * content), "\(set), power \(k): \(weighted[k])")
    }
  }

  /// Equal classes must come through the flushes of a hundred thousand terms.
  @Test(arguments: InstructionSet.available)
  func sumsOfManyEqualTermsKeepTheirDigits(set: InstructionSet) {
    let count = 200_000
    let tails = [Double](repeating: 0.1, count: count) + [Double](repeating: 0, count: 8)
    var (sums, near) = ([Double](repeating: 0, count: 24), [0])
    _ = set.kernels.powerSums(of: tails, count, factor: 1, limit: 1, to: &sums, near: &near)
    let expected = DoubleDouble(0.1) * DoubleDouble(Double(count))
    #expect(
      (DoubleDouble(sums[0]) - expected).value.magnitude <= 2e-15 * expected.value, "\(set): \(sums[0])")
  }

  @Test(arguments: InstructionSet.available)
  func polynomialsOfTheTails(set: InstructionSet) {
    let tails = (0..<16).map { Double($0) / 16 }
    let (a, b) = ((0..<12).map { 1 / Double($0 + 1) }, (0..<12).map { Double($0) - 4 })
    func value(_ c: [Double], _ q: Double) -> Double { c.reversed().reduce(0) { $0 * q + $1 } }
    var (plain, times) = (tails, tails)
    var u = tails.map { 1 - $0 }
    set.kernels.tailPolynomials(of: tails, 16, factor: 0.5, coefficients: a, timesTails: false, to: &plain)
    set.kernels.tailPolynomials(of: tails, 16, factor: 0.5, coefficients: a, timesTails: true, to: &times)
    set.kernels.pullBackTails(&u, of: tails, 16, factor: 0.5, a: a, b: b)
    for (index, tail) in tails.enumerated() {
      let q = tail / 2
      #expect(isClose(plain[index], value(a, q), within: 1e-14), "\(set), \(index)")
      #expect(isClose(times[index], tail * value(a, q), within: 1e-14), "\(set), \(index)")
      let expected = (1 - tail) * value(a, q) - tail * value(b, q)
      #expect(isClose(u[index], expected, within: 1e-13), "\(set), \(index): \(u[index]), not \(expected)")
    }
  }

  /// Panels of both kinds, and every sum over their nodes.
  @Test(arguments: InstructionSet.available, [1, 2])
  func nodesAndTheirSums(set: InstructionSet, blocks: Int) {
    let kernels = set.kernels
    let distances = (0..<16).map { (Double($0) + 0.5) / Double(8 * blocks) }
    let rule = distances + (0..<16).map { 1 + Double($0) / 16 }
    // The first two have passed at t = 1.5.
    let tails = [0.5, 0.4, 0.3, 0.2, 0.125] + [0, 0, 0]
    let (slopes, count) = (tails.map { -$0 }, 5)
    let logarithms = (0..<12).map { 0.25 / Double($0 + 1) }
    let size = TailNodeRow.blockSize
    var nodes = [Double](repeating: .nan, count: 2 * blocks * size)
    let above = TailPanel(from: 0.25, width: 0.5, next: 0.25, fall: 0.5, hasKinks: false)
    let below = KinkPanel(from: 1.5, width: 0.25, above: 0.125, power: -1, passed: 2, reversedHazard: 3)
    let sums = nodes.withUnsafeMutableBufferPointer { buffer in
      let start = buffer.baseAddress!
      return (
        kernels.layPanel(
          at: start, blocks: blocks, rule: rule, panel: above, slopes: tails.map { 1 - $0 }, count,
          logarithms: logarithms, perFactor: 0.125),
        kernels.layPanel(
          at: start + blocks * size, blocks: blocks, rule: rule, panel: below, slopes: slopes, count,
          logarithms: nil, perFactor: 0.125)
      )
    }
    func node(_ m: Int, _ row: TailNodeRow, _ panel: Int) -> Double {
      nodes[(panel * blocks + m / 8) * size + row.offset + m % 8]
    }
    var (first, second) = ((0.0, 0.0), (0.0, 0.0))
    for m in 0..<8 * blocks {
      let t = 0.25 + 0.5 * distances[m]
      let tau = t * 0.125
      let far = exp(-tau * logarithms.reversed().reduce(0) { $0 * tau + $1 })
      let product = (0..<5).reduce(far) { $0 * (1 - t + t * (1 - tails[$1])) }
      let weight = 0.5 * rule[16 + m]
      #expect(
        isClose(node(m, .factors, 0), t, within: 1e-15)
          && isClose(node(m, .constants, 0), 1 - t, within: 1e-15))
      #expect(isClose(node(m, .weights, 0), weight * product, within: 1e-14), "\(set), \(m)")
      #expect(isClose(node(m, .measures, 0), weight * (1 - t) / t, within: 1e-14), "\(set), \(m)")
      first = (first.0 + weight * product, first.1 + weight * product * t)
      let depth = 0.25 * distances[m]
      let other = 1.5 * exp(depth)
      let rest = (2..<5).reduce(1) { $0 * (1 - other * tails[$1]) }
      let kinkWeight = 0.25 * rule[16 + m]
      #expect(
        isClose(node(m, .weights, 1), kinkWeight * 0.125 * exp(-depth) * rest, within: 1e-14), "\(set), \(m)")
      #expect(isClose(node(m, .measures, 1), kinkWeight * 0.5 / other, within: 1e-14), "\(set), \(m)")
      #expect(node(m, .reversedHazards, 1) == 3 && node(m, .passed, 1) == 2 && node(m, .constants, 1) == 1)
      second.0 += kinkWeight * 0.125 * exp(-depth) * rest
      second.1 += kinkWeight * 0.125 * exp(-depth) * rest * other
      if m == 8 * blocks - 1 {
        #expect(isClose(sums.0.lastProduct, product, within: 1e-14), "\(set)")
        #expect(isClose(sums.1.lastProduct, rest, within: 1e-14), "\(set)")
      }
    }
    #expect(
      isClose(sums.0.integral, first.0, within: 1e-13) && isClose(sums.0.pairIntegral, first.1, within: 1e-13)
    )
    #expect(
      isClose(sums.1.integral, second.0, within: 1e-13)
        && isClose(sums.1.pairIntegral, second.1, within: 1e-13))

    // Sums over the nodes below the first kinks.
    let kinkNodes = Array(nodes[(blocks * size)...])
    var (results, others) = ([Double](repeating: 0, count: 16), [Double](repeating: 0, count: 16))
    let ends = [0, 0] + [Int](repeating: blocks, count: 3)
    kernels.nodeSums(of: kinkNodes, ends: ends, slopes: slopes, count, to: &results)
    for k in 0..<count {
      let expected =
        k < 2
        ? 0
        : (0..<8 * blocks).reduce(0) {
          $0 + node($1, .weights, 1) / (1 - tails[k] * node($1, .factors, 1))
        }
      #expect(isClose(results[k], expected, within: 1e-13), "\(set), \(k): \(results[k]), not \(expected)")
    }
    kernels.blockSums(of: kinkNodes, blocks: blocks, row: .weights, to: &results)
    let perT = (0..<8 * blocks).reduce(0) { $0 + node($1, .weights, 1) / node($1, .factors, 1) }
    #expect(isClose(results[..<blocks].reduce(0, +), perT, within: 1e-13), "\(set)")
    kernels.nodeMoments(of: kinkNodes, blocks: blocks, row: .weights, perFactor: 0.125, to: &results)
    for k in 0..<tailTerms {
      let expected = (0..<8 * blocks).reduce(0) {
        $0 + node($1, .weights, 1) * pow(0.125 * node($1, .factors, 1), Double(k))
      }
      #expect(isClose(results[k], expected, within: 1e-13), "\(set), moment \(k)")
    }
    let rate = kernels.tailRate(at: 1, 0.5, tails: tails, slopes: slopes, 5)
    #expect(isClose(rate, tails.reduce(0) { $0 + $1 / (1 - 0.5 * $1) }, within: 1e-14), "\(set): \(rate)")
    for leader in [1, -1] {
      let farLeader = leader < 0 ? 0.01 : 0
      let survival = kernels.survivals(
        at: kinkNodes, blocks: blocks, tails: tails, count, without: leader, farLeader: farLeader,
        logarithms: logarithms, perFactor: 0.125)
      let expected = (0..<8 * blocks).reduce(0) { sum, m in
        let t = node(m, .factors, 1)
        let tau = 0.125 * t
        let far = exp(-tau * logarithms.reversed().reduce(0) { $0 * tau + $1 }) / (1 - farLeader * t)
        let product = (0..<5).filter { $0 != leader }
          .reduce(far) { $0 * ($1 < 2 ? 0.25 / (t * tails[$1]) : 1 - t * tails[$1]) }
        return sum + node(m, .measures, 1) * (1 - product)
      }
      #expect(isClose(survival, expected, within: 1e-13), "\(set): \(survival), not \(expected)")
    }

    var weighted = kinkNodes
    let (u, passed) = ([0.5, -1, 2, 3, -4, 0, 0, 0], [0.0, 1, 7, 0, 0, 0])
    kernels.addTailReversedHazards(
      at: &weighted, blocks: blocks, tails: tails, slopes: slopes, u: u, passed: passed, count,
      reversedHazards: logarithms, cotangents: logarithms, perFactor: 0.125)
    kernels.nodePairSums(
      of: weighted, ends: ends, slopes: slopes, count, ofReversedHazards: &results, ofCotangents: &others)
    for k in 2..<count {
      var expected = (0.0, 0.0)
      for m in 0..<8 * blocks {
        let (t, w) = (node(m, .factors, 1), node(m, .weights, 1))
        let tau = 0.125 * t
        let far = logarithms.reversed().reduce(0) { $0 * tau + $1 }
        func inverse(_ j: Int) -> Double { 1 / (1 - tails[j] * t) }
        let reversedHazard = 3 + t * (2..<5).reduce(far) { $0 + tails[$1] * inverse($1) }
        let cotangent = 7 + t * (2..<5).reduce(far) { $0 + u[$1] * inverse($1) }
        expected.0 += w * reversedHazard * inverse(k)
        expected.1 += w * cotangent * inverse(k)
      }
      #expect(
        isClose(results[k], expected.0, within: 1e-12), "\(set), \(k): \(results[k]), not \(expected.0)")
      #expect(isClose(others[k], expected.1, within: 1e-12), "\(set), \(k): \(others[k]), not \(expected.1)")
    }
  }
}
