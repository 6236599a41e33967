import Foundation
import Noisemax
import TableMaker
import Testing

@Suite struct PreciseQuantileTests {
  /// The references hold 25 digits; the formulas are good to as many.
  @Test func agreesWithReferences() throws {
    var checked: Set<String> = []
    for row in try fixture("quantiles.csv") {
      guard let law = ShippedLaw.all.first(where: { $0.name == row[0] }) else { continue }
      let points = try #require(Int(row[1]))
      let k = try #require(Int(row[2]))
      let p = DoubleDouble(Double(k)) / DoubleDouble(Double(points + 1))
      let quantile = law.preciseNoise.preciseQuantile(at: p)
      let reference = try decimal(row[3])
      let error = (quantile - reference).value.magnitude
      let bound = 1e-25 * max(1, reference.high.magnitude) + 1e-24 * reference.high.magnitude
      #expect(error <= bound, "\(row): off by \(error)")
      let nearest = try #require(Double(row[3]))
      let table = QuantileTable(of: law, points: [points])
      #expect(try table.quantile(k, of: points) == nearest, "\(row)")
      checked.insert(law.name)
    }
    #expect(checked.isSuperset(of: ["gumbel", "normal", "logistic", "uniform"]))
  }

  /// Every law, at the points that its quantiles are tested at and that a table could hold.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func agreesWithReferencesOfEveryLaw(_ name: String) throws {
    let law = try #require(ShippedLaw.all.first { $0.name == name })
    var checked = 0
    for row in try fixture("quantile-values.csv") where row[0] == name {
      let p = try #require(Double(row[1]))
      guard 0x1p-17 <= p, p <= 1 - 0x1p-17 else { continue }
      let reference = try decimal(row[2])
      let error = (law.preciseNoise.preciseQuantile(at: DoubleDouble(p)) - reference).value.magnitude
      #expect(error <= 1e-24 * max(0.1, reference.high.magnitude), "\(row): off by \(error)")
      checked += 1
    }
    #expect(checked >= 20)
  }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func agreesWithTheQuantileInDouble(_ name: String) throws {
    let law = try #require(ShippedLaw.all.first { $0.name == name })
    for points in [1, 2, 9, 1000, 65_536] {
      let table = QuantileTable(of: law, points: [points])
      for k in Set([1, points / 3 + 1, points / 2 + 1, points]).sorted() {
        let quantile = try table.quantile(k, of: points)
        let double =
          k > points / 2
          ? law.noise.upperQuantile(at: Double(points + 1 - k) / Double(points + 1))
          : law.noise.quantile(at: Double(k) / Double(points + 1))
        #expect(abs(quantile - double) <= 4 * max(quantile.ulp, 0x1p-52), "\(k)/\(points + 1)")
      }
    }
  }

  @Test func symmetricLawsAreAntisymmetric() throws {
    let laws = ShippedLaw.all.filter {
      $0.noise.quantile(at: 0.25) == -$0.noise.upperQuantile(at: 0.25)
    }
    #expect(Set(laws.map(\.name)).isSuperset(of: ["normal", "logistic"]))
    for law in laws {
      for points in [1, 7, 64, 99] {
        let table = QuantileTable(of: law, points: [points])
        for k in 1...points {
          let (lower, upper) = try (table.quantile(k, of: points), table.quantile(points + 1 - k, of: points))
          #expect(lower == -upper, "\(law.name) \(k)/\(points + 1)")
        }
      }
    }
  }

  @Test func roundsOnlyWhatIsCertain() {
    #expect(DoubleDouble(1, 0x1p-60).nearestDouble(within: 0x1p-80) == 1)
    #expect(DoubleDouble(1, 0x1p-53).nearestDouble(within: 0x1p-80) == nil)
    #expect(DoubleDouble(1, 0x1p-53 - 0x1p-79).nearestDouble(within: 0x1p-80) == 1)
    #expect(DoubleDouble(1, 0x1p-53 - 0x1p-80).nearestDouble(within: 0x1p-80) == nil)
    // Below a power of two the neighbours are twice as near.
    #expect(DoubleDouble(1, -0x1p-54).nearestDouble(within: 0x1p-80) == nil)
    #expect(DoubleDouble(1, -0x1p-55).nearestDouble(within: 0x1p-80) == 1)
    #expect(DoubleDouble(-3, 0x1p-53).nearestDouble(within: 0x1p-80) == -3)
    // Parts that are not normalised yet.
    #expect(DoubleDouble(-3, 0x1p-52 + 0x1p-70).nearestDouble(within: 0x1p-80) == -3 + 0x1p-51)
  }

  /// A decimal of up to 25 digits to twice the precision of a Double.
  private func decimal(_ text: Substring) throws -> DoubleDouble {
    var value = DoubleDouble(0)
    var decimals = 0.0
    var isBehindPoint = false
    let parts = text.split(separator: "e")
    for character in parts[0] where character != "-" {
      if character == "." {
        isBehindPoint = true
        continue
      }
      value =
        value * DoubleDouble(10) + DoubleDouble(try #require(character.wholeNumberValue.map(Double.init)))
      if isBehindPoint { decimals += 1 }
    }
    if parts.count > 1 { decimals -= try #require(Double(parts[1])) }
    for _ in 0..<Int(decimals) { value = value / DoubleDouble(10) }
    return text.hasPrefix("-") ? -value : value
  }
}
