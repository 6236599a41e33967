import Noisemax
import Testing

/// The schedules against their formulas at steps where these are known.
@Suite struct AnnealingScheduleTests {
  @Test func exponentialFallsToItsFloor() {
    let schedule = AnnealingSchedule.exponential(from: 2, rate: 0.01, floor: 0.5)
    #expect(schedule.temperature(at: 0) == 2)
    #expect((schedule.temperature(at: 100) - 0.7357588823428847).magnitude < 1e-15)
    #expect(schedule.temperature(at: 139) == 0.5)
    #expect(schedule.temperature(at: .max) == 0.5)
  }

  @Test func linearIsALine() {
    let schedule = AnnealingSchedule.linear(from: 1, to: 0.25, steps: 8)
    #expect((0...10).map { schedule.temperature(at: $0) }.suffix(4) == [0.34375, 0.25, 0.25, 0.25])
    #expect(schedule.temperature(at: 0) == 1)
    #expect(schedule.temperature(at: 4) == 0.625)
    #expect(AnnealingSchedule.linear(from: 0.5, to: 1, steps: 2).temperature(at: 1) == 0.75)
  }

  @Test func cosineIsSlowAtBothEnds() {
    let schedule = AnnealingSchedule.cosine(from: 1, to: 0.5, steps: 100)
    #expect(schedule.temperature(at: 0) == 1)
    #expect((schedule.temperature(at: 50) - 0.75).magnitude < 1e-15)
    // (1 + cos(π/4))/4 + ½
    #expect((schedule.temperature(at: 25) - 0.9267766952966369).magnitude < 1e-15)
    #expect(schedule.temperature(at: 100) == 0.5)
    #expect(schedule.temperature(at: 1_000_000) == 0.5)
    let steps = (0...100).map { schedule.temperature(at: $0) }
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test func impossibleSchedulesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = AnnealingSchedule.linear(from: 1, to: 0, steps: 0).temperature(at: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = AnnealingSchedule.linear(from: 1, to: 0, steps: 5).temperature(at: -1)
    }
    await #expect(processExitsWith: .failure) {
      _ = AnnealingSchedule.exponential(from: -1, rate: 1, floor: 0).temperature(at: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = AnnealingSchedule.exponential(from: 1, rate: .nan, floor: 0).temperature(at: 0)
    }
  }
}
