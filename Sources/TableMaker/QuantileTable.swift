import CommandLineConventions
import Noisemax

/// The table of one law: the nodes F⁻¹(k/(K+1)), k = 1 … K, of quantile rules with several numbers of points K.
package struct QuantileTable {
  package static let header = "points,k,quantile"

  package let law: ShippedLaw
  package let points: [Int]

  package init(of law: ShippedLaw, points: [Int]) {
    self.law = law
    self.points = points
  }

  package var fileName: String { law.name + ".csv" }

  /// The whole table as text: a header and a row for every node.
  package func text() throws(Failure) -> [UInt8] {
    var text = ByteText()
    text.write(Self.header + "\n")
    for count in points {
      for k in 1...count {
        text.write("\(count),\(k),")
        text.append(try quantile(k, of: count))
        text.append(UInt8(ascii: "\n"))
      }
    }
    return text.bytes
  }

  /// The Double nearest to F⁻¹(k/(count + 1)), at that rational number and not at its rounding.
  package func quantile(_ k: Int, of count: Int) throws(Failure) -> Double {
    let p = DoubleDouble(Double(k)) / DoubleDouble(Double(count + 1))
    let quantile = law.preciseNoise.preciseQuantile(at: p)
    // The centre of a symmetric law; at any other root the digits left over by rounding p would show.
    if quantile == DoubleDouble(0) { return 0 }
    // Ten times what the quantile is good to. A tie is rounded by luck: rather none than one.
    guard let nearest = quantile.nearestDouble(within: 1e-24 * max(1, quantile.high.magnitude)) else {
      throw Failure(
        .badData,
        "\(law.name): the quantile at \(k)/\(count + 1) is too near the midpoint of two Doubles to be rounded"
      )
    }
    return nearest
  }
}

extension QuantileTable {
  /// What the shipped tables hold.
  package static let shippedPoints = [8, 16, 32, 64, 128, 256, 512, 1024]

  /// The quantiles are known to enough digits up to this many points.
  package static let mostPoints = 65_536

  /// A list such as `7,100`.
  package static func points(from list: String) throws(Failure) -> [Int] {
    var points: [Int] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let count = try wholeNumber(part, of: "--points", in: 1...mostPoints)
      if points.contains(count) { throw Failure(.usage, "--points has \(count) twice") }
      points.append(count)
    }
    return points
  }
}
