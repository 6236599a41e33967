import Noisemax
import Testing

@Suite struct NoiseRegistryTests {
  @Test func lawsAreFoundByName() {
    #expect(ShippedLaw.standard(named: "gumbel") is Gumbel)
    #expect(ShippedLaw.standard(named: "Normal") is Normal)
    #expect(ShippedLaw.standard(named: "cauchy") == nil)
    #expect(ShippedLaw.standard(named: "") == nil)
  }

  @Test func namesAreDistinctAndLowercase() {
    let names = ShippedLaw.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.isEmpty })
  }

  @Test func aLawReplacesTheOneOfItsName() throws {
    let registry = NoiseRegistry.shipped.adding(Logistic(), named: "mine").adding(Laplace(), named: "Mine")
    #expect(registry.names == NoiseRegistry.shipped.names + ["mine"])
    #expect(try registry.noise(named: "MINE") is Laplace)
    #expect(try registry.adding(Gumbel(), named: "normal").noise(named: "normal") is Gumbel)
    #expect(try NoiseRegistry.shipped.noise(named: "normal") is Normal)
  }
}
