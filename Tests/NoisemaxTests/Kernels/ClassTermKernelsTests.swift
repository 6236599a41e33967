import NoiseKernels
import Noisemax
import NoisemaxLaws
import Testing

/// What is integrated for classes with scales of their own, as every instruction set runs the loops, against sums over all sets of
/// classes.
@Suite struct ClassTermKernelsTests {
  /// Classes at sixteen nodes: the first have noise, the last is certain to be below the others at some nodes.
  private struct Classes {
    let count = 5
    let noisy = 4
    var (z, cumulative, survival, density): ([Double], [Double], [Double], [Double]) = ([], [], [], [])

    init() {
      var generator = SplitMix64(seed: 31)
      for slot in 0..<16 * count {
        let share = Double.random(in: 0.1...0.9, using: &generator)
        let isStill = slot >= 16 * noisy
        cumulative.append(isStill ? (slot % 2 == 0 ? 1 : 0) : share)
        survival.append(1 - cumulative[slot])
        density.append(isStill ? 0 : Double.random(in: 0.1...2, using: &generator))
        z.append(Double.random(in: -2...2, using: &generator))
      }
    }

    /// The probability that just these of the classes are above the node.
    func probability(_ node: Int, above set: Int, without absent: [Int]) -> Double {
      (0..<count).filter { !absent.contains($0) }.reduce(1) { product, j in
        product * (set >> j & 1 == 1 ? survival[16 * j + node] : cumulative[16 * j + node])
      }
    }

    /// The probability that so many of the classes are above it.
    func probability(_ node: Int, counts: Range<Int>, without absent: [Int] = []) -> Double {
      (0..<1 << count).reduce(0) { sum, set in
        let isSubset = absent.allSatisfy { set >> $0 & 1 == 0 }
        guard isSubset, counts.contains(set.nonzeroBitCount) else { return sum }
        return sum + probability(node, above: set, without: absent)
      }
    }
  }

  private let classes = Classes()

  private func check(
    _ values: [Double], _ testCase: String, within bound: Double = 1e-14, _ truth: (Int, Int) -> Double
  ) {
    for slot in values.indices {
      let truth = truth(slot / 16, slot % 16)
      let error = (values[slot] - truth).magnitude
      #expect(error <= bound, "\(testCase), \(slot / 16) at node \(slot % 16): \(values[slot]), not \(truth)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func termsOfWinning(set: InstructionSet) {
    var terms = [Double](repeating: .nan, count: 16 * classes.noisy)
    let bound = set.kernels.winningTerms(
      cumulative: classes.cumulative, density: classes.density, count: classes.count, noisy: classes.noisy,
      to: &terms)
    #expect(bound == 0 && classes.cumulative[16 * classes.count - 1] == 0, "\(set): \(bound)")
    check(terms, "\(set)") { j, node in
      classes.density[16 * j + node] * classes.probability(node, counts: 0..<1, without: [j])
    }
  }

  @Test(arguments: InstructionSet.available, [2, 3, 4])
  func termsOfInclusion(set: InstructionSet, k: Int) {
    var terms = [Double](repeating: .nan, count: 16 * classes.noisy)
    var polynomials = [Double](repeating: .nan, count: 16 * (classes.count + 2) * k)
    let bound = set.kernels.inclusionTerms(
      cumulative: classes.cumulative, density: classes.density, count: classes.count, noisy: classes.noisy,
      wanted: k, polynomials: &polynomials, to: &terms)
    let truth = classes.probability(15, counts: 0..<k)
    #expect((bound - truth).magnitude <= 1e-14, "\(set), \(k): \(bound), not \(truth)")
    check(terms, "\(set), \(k)") { j, node in
      classes.density[16 * j + node] * classes.probability(node, counts: 0..<k, without: [j])
    }
  }

  @Test(arguments: InstructionSet.available, [1, 2, 3])
  func termsOfThePullback(set: InstructionSet, k: Int) {
    let n = classes.noisy
    let cotangent: [Double] = [-1, 0.25, 0.25, 3]
    var terms = [Double](repeating: .nan, count: 48 * n)
    var work = [Double](repeating: .nan, count: 8 * (2 * n + 3) * k)
    _ = set.kernels.inclusionPullbackTerms(
      z: classes.z, cumulative: classes.cumulative, survival: classes.survival, density: classes.density,
      cotangent: cotangent, location: 0.5, count: classes.count, noisy: n, wanted: k, work: &work,
      to: &terms)
    check(terms, "\(set), \(k)", within: 1e-13) { value, node in
      let j = value % n
      let flows = (0..<n).filter { $0 != j }.map { i in
        let meeting = classes.density[16 * i + node] * classes.density[16 * j + node]
        return (cotangent[j] - cotangent[i]) * meeting
          * classes.probability(node, counts: k - 1..<k, without: [i, j])
      }
      switch value / n {
      case 0: return flows.reduce(0) { $0 + $1.magnitude }
      case 1: return flows.reduce(0, +)
      default: return flows.reduce(0, +) * (classes.z[16 * j + node] + 0.5)
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func termsOfMeetings(set: InstructionSet) {
    let n = classes.noisy
    let pairs = (0..<n).flatMap { i in (i + 1..<n).map { (i, $0) } }
    var terms = [Double](repeating: .nan, count: 16 * pairs.count)
    var reversedHazards = [Double](repeating: .nan, count: 16 * n)
    _ = set.kernels.meetingTerms(
      cumulative: classes.cumulative, density: classes.density, count: classes.count, noisy: n,
      reversedHazards: &reversedHazards, to: &terms)
    check(terms, "\(set)") { pair, node in
      let (i, j) = pairs[pair]
      return classes.density[16 * i + node] * classes.density[16 * j + node]
        * classes.probability(node, counts: 0..<1, without: [i, j])
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func weightedSums(set: InstructionSet, inSlots: Bool) {
    let weights = (0..<16).map { Double($0 + 1) }
    let values = classes.density
    var sums = [Double](repeating: 1, count: 8 * classes.count)
    var contents = [Double](repeating: .nan, count: classes.count)
    let slots = Array((0..<classes.count).reversed())
    slots.withUnsafeBufferPointer {
      set.kernels.addWeighted(
        values, classes.count, at: inSlots ? $0.baseAddress : nil, weights: weights, to: &sums,
        contents: &contents)
    }
    for value in 0..<classes.count {
      let slot = inSlots ? slots[value] : value
      let products = (0..<16).map { weights[$0] * values[16 * value + $0] }
      let whole = products.reduce(0, +)
      #expect((contents[slot] - whole).magnitude <= 1e-12, "\(set): \(contents[slot]), not \(whole)")
      for i in 0..<8 {
        let (sum, truth) = (sums[8 * slot + i], 1 + products[i] + products[8 + i])
        #expect((sum - truth).magnitude <= 1e-13, "\(set), \(value), sum \(i): \(sum), not \(truth)")
      }
    }
  }

  /// Contents and what they are wrong by: of one panel, and of two that are judged each on its own.
  @Test(arguments: InstructionSet.available, [(false, false), (true, false), (true, true)])
  func contentsOfPanels(set: InstructionSet, form: (isPair: Bool, inSlots: Bool)) {
    let (isPair, inSlots) = form
    var generator = SplitMix64(seed: 37)
    // Where the last coefficients are larger than what the panel holds they are the error themselves.
    let rule = (0..<48).map { Double.random(in: $0 < 16 ? 0.01...0.2 : -0.1...0.1, using: &generator) }
    var values = classes.density
    for node in 0..<16 { values[node] *= node % 2 == 0 ? 1 : -1 }
    let judged = 3
    var contents = [Double](repeating: .nan, count: classes.count)
    var errors = [Double](repeating: .nan, count: classes.count)
    var expected = [Double](repeating: 2, count: classes.count)
    let slots = Array((0..<classes.count).reversed())
    slots.withUnsafeBufferPointer {
      set.kernels.panelContents(
        values, classes.count, at: inSlots ? $0.baseAddress : nil, judged: judged, rule: rule, isPair: isPair,
        to: &contents, errors: &errors, expected: &expected)
    }
    for value in 0..<classes.count {
      let slot = inSlots ? slots[value] : value
      func sum(_ row: Int, _ nodes: Range<Int>) -> Double {
        nodes.reduce(0) { $0 + rule[16 * row + $1] * values[16 * value + $1] }
      }
      let panels = isPair ? [0..<8, 8..<16] : [0..<16]
      let content = panels.reduce(0) { $0 + sum(0, $1) }
      let error = panels.reduce(0.0) { error, nodes in
        let rest = sum(1, nodes).magnitude + sum(2, nodes).magnitude
        let whole = sum(0, nodes).magnitude
        return error + (rest < whole ? rest * rest / whole : rest)
      }
      let testCase = "\(set), pair: \(isPair), value \(value)"
      #expect(
        (contents[slot] - content).magnitude <= 1e-14, "\(testCase): \(contents[slot]), not \(content)")
      if value < judged {
        #expect((errors[slot] - error).magnitude <= 1e-14, "\(testCase): \(errors[slot]), not \(error)")
        #expect((expected[slot] - 2 - content).magnitude <= 1e-14, "\(testCase): \(expected[slot])")
      } else {
        #expect(errors[slot].isNaN && expected[slot] == 2, "\(testCase): it is not judged")
      }
    }
  }
}
