import ExampleParts
import Noisemax

/// The probabilities of being chosen as one draw of the noise tells them: Φ((g_i − t)/s_i), where t is the second largest
/// of the others' noisy scores.
struct UsualEstimate {
  private let routing: Mixture.Routing
  private let scales: [Float]
  /// (g_i − t)/s_i, and which expert holds t.
  private var margins: [Float] = []
  private var holders: [Int] = []

  init(at routing: Mixture.Routing, scales: [Float]) {
    (self.routing, self.scales) = (routing, scales)
    for (scores, noisy) in zip(routing.scores, routing.noisy) {
      let order = noisy.indices.sorted { noisy[$0] > noisy[$1] }
      for expert in noisy.indices {
        let holder = order[0] == expert || order[1] == expert ? order[2] : order[1]
        margins.append((scores[expert] - noisy[holder]) / scales[expert])
        holders.append(holder)
      }
    }
  }

  var chances: Rows<Float> {
    Rows(margins.map { Float(Normal().cumulative(at: Double($0))) }, length: Mixture.size)
  }

  func pullback(of slopes: [Float]) -> (scores: Rows<Float>, scales: Rows<Float>) {
    var inScores = [Float](repeating: 0, count: margins.count)
    var inScales = inScores
    for slot in margins.indices {
      let (expert, holder) = (slot % Mixture.size, slot - slot % Mixture.size + holders[slot])
      let density = Float(Normal().density(at: Double(margins[slot])))
      let slope = slopes[expert] * density / scales[expert]
      inScores[slot] += slope
      inScales[slot] -= slope * margins[slot]
      inScores[holder] -= slope
      inScales[holder] -= slope * routing.noise.elements[holder]
    }
    return (Rows(inScores, length: Mixture.size), Rows(inScales, length: Mixture.size))
  }
}
