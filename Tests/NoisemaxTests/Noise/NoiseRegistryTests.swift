import Noisemax
import Testing

@Suite struct NoiseRegistryTests {
  @Test func lawsAreFoundByName() {
    #expect(NoiseRegistry.noise(named: "gumbel") is Gumbel)
    #expect(NoiseRegistry.noise(named: "Normal") is Normal)
    #expect(NoiseRegistry.noise(named: "cauchy") == nil)
    #expect(NoiseRegistry.noise(named: "") == nil)
  }

  @Test func namesAreDistinctAndLowercase() {
    let names = NoiseRegistry.entries.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.isEmpty })
  }
}
