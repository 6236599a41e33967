internal import NoiseKernels

/// Sixteen nodes: what one panel has.
typealias Lanes = SIMD16<Double>

/// The open classes of one row, each with its own location and scale, and F, 1 − F and f of all of them at the nodes of a
/// panel.
///
/// Classes without noise come after the others. Of those, only the largest that can be among the k largest of the row are
/// here: k of them leave no room below the last.
struct ScaledClasses {
  let law: ClassLaw
  /// The classes with noise, and after them those without.
  private(set) var noisy, count: Int
  /// μ and s of every class, in the order of the vectors below.
  let locations, scales: UnsafeMutablePointer<Double>
  /// Whether every scale is 1: then the loops divide by none.
  private var isUnscaled = false
  /// How many classes are wanted: k.
  let wanted: Int
  /// z = (x − μ)/s − location of every class at the nodes; F, 1 − F and f/s.
  let z, cumulative, survival, density: UnsafeMutablePointer<Lanes>

  /// The memory for a row, in Doubles.
  static func memory(for count: Int) -> Int { 2 * padded(count) + 4 * Lanes.scalarCount * count }

  /// Room for classes, of which the first have noise and the others, in falling order, have none.
  init(
    under law: ClassLaw, noisy: Int, count: Int, wanted: Int, memory: inout Pieces
  ) {
    (self.law, self.noisy, self.count, self.wanted) = (law, noisy, count, wanted)
    locations = memory.take(padded(count))
    scales = memory.take(padded(count))
    z = memory.takeLanes(count)
    cumulative = memory.takeLanes(count)
    survival = memory.takeLanes(count)
    density = memory.takeLanes(count)
  }

  /// Room for some of the classes, at the same vectors. All have noise.
  init(_ count: Int, of classes: ScaledClasses, memory: inout Pieces) {
    (law, wanted, noisy, self.count) = (classes.law, classes.wanted, count, count)
    (locations, scales) = (memory.take(padded(count)), memory.take(padded(count)))
    (z, cumulative, survival, density) = (classes.z, classes.cumulative, classes.survival, classes.density)
    isUnscaled = classes.isUnscaled
  }

  /// Looks at the scales once they are there.
  mutating func noteScales() { isUnscaled = (0..<noisy).allSatisfy { scales[$0] == 1 } }

  /// Only the first of the classes.
  func first(_ count: Int) -> ScaledClasses {
    var classes = self
    (classes.noisy, classes.count) = (count, count)
    return classes
  }

  /// μ + z·s of a class, to twice the precision.
  func point(_ z: Double, of j: Int) -> DoubleDouble {
    DoubleDouble(productOf: scales[j], and: z) + DoubleDouble(locations[j])
  }

  /// Below this point at least k classes without noise are above: nothing can be among the k largest.
  var floor: Double? { count - noisy >= wanted ? locations[noisy + wanted - 1] : nil }

  /// A point that the k-th largest perturbed logit is above, however small a probability counts.
  var lowest: Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: wanted) { largest in
      largest.initialize(repeating: -.infinity)
      for j in 0..<count {
        let end = locations[j] + scales[j] * law.farBelow
        var rank = wanted
        while rank > 0, largest[rank - 1] < end {
          if rank < wanted { largest[rank] = largest[rank - 1] }
          rank -= 1
        }
        if rank < wanted { largest[rank] = end }
      }
      return largest[wanted - 1]
    }
  }

  /// Evaluates all classes at nodes, with z and 1 − F if they are wanted.
  func evaluate(at nodes: PanelNodes, withNoise: Bool = true, withSurvival: Bool = true) {
    law.evaluate(
      noisy, at: nodes, withNoise: withNoise, withSurvival: withSurvival, locations: locations,
      scales: isUnscaled ? nil : scales, z: z, cumulative: cumulative, survival: survival, density: density)
    for j in noisy..<count {
      let distance = (nodes.high - locations[j]) + nodes.low
      // At the point itself a class is as good as absent: the others are asked whether they are above.
      cumulative[j] = Lanes(repeating: 1).replacing(with: 0, where: distance .< 0)
      survival[j] = 1 - cumulative[j]
      density[j] = Lanes()
      z[j] = Lanes()
    }
  }

  /// r = f/F of a class at the nodes, 0 where F is. It has an end, so that no product with it is NaN.
  @inline(__always)
  func reversedHazard(_ j: Int) -> Lanes {
    let most = Lanes(repeating: 0x1p1000)
    let r = density[j] / cumulative[j]
    return r.replacing(with: most, where: r .> most).replacing(with: 0, where: cumulative[j] .== 0)
  }

  /// ∏ F of some classes at the nodes.
  @inline(__always)
  func product(of classes: Range<Int>) -> Lanes {
    var product = Lanes(repeating: 1)
    for j in classes { product *= cumulative[j] }
    return product
  }
}

/// Writes for every class the sums of its `width` numbers over all other classes.
///
/// They are summed over those before the class and those after it: none is a difference.
@inline(__always)
func writeSumsOverOthers(
  _ numbers: UnsafePointer<Lanes>, _ count: Int, width: Int, to sums: UnsafeMutablePointer<Lanes>
) {
  for number in 0..<width {
    var (before, after) = (Lanes(), Lanes())
    for slot in stride(from: number, to: width * count, by: width) {
      sums[slot] = before
      before += numbers[slot]
    }
    for j in (0..<count).reversed() {
      sums[width * j + number] += after
      after += numbers[width * j + number]
    }
  }
}

/// The nodes of a panel, in falling or rising order, to twice the precision: narrow classes may lie far from 0.
struct PanelNodes {
  var high, low: Lanes

  /// So far below a point.
  init(_ distances: Lanes, below upper: DoubleDouble) {
    let start = Lanes(repeating: upper.high)
    high = start - distances
    let moved = high - start
    low = ((start - (high - moved)) - (distances + moved)) + upper.low
  }

  /// The last of nodes in falling order.
  var lowest: DoubleDouble {
    DoubleDouble(high[Lanes.scalarCount - 1]) + DoubleDouble(low[Lanes.scalarCount - 1])
  }

  /// Half the nodes of one panel, and half of another further down.
  init(_ upper: PanelNodes, _ lower: PanelNodes) {
    high = Lanes(lowHalf: upper.high.lowHalf, highHalf: lower.high.highHalf)
    low = Lanes(lowHalf: upper.low.lowHalf, highHalf: lower.low.highHalf)
  }

  /// A point plus offsets.
  init(_ point: Double, plus offsets: Lanes) {
    (high, low) = (Lanes(repeating: point), offsets)
  }
}

extension Pieces {
  mutating func takeLanes(_ count: Int) -> UnsafeMutablePointer<Lanes> { take(count, of: Lanes.self) }
}

/// Lanes one after the other, as the loops take them.
@inline(__always)
func doubles(_ lanes: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Double> {
  UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: Double.self)
}

/// The sum of the lanes, half by half: not one after the other.
@inline(__always)
func total(_ lanes: Lanes) -> Double {
  let eight = lanes.lowHalf + lanes.highHalf
  let four = eight.lowHalf + eight.highHalf
  let two = four.lowHalf + four.highHalf
  return two.x + two.y
}
