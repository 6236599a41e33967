import ExampleParts
import Noisemax
import Testing

@Suite struct DigitImagesTests {
  /// As the source describes them: how many of each, greys of 17 steps, and the first image, a nought.
  @Test func allAreThere() throws {
    let digits = DigitImages.load()
    #expect(digits.count == 1797 && digits.images.count == 1797 && digits.images.rowLength == 64)
    let counts = (0..<10).map { digit in digits.labels.filter { $0 == digit }.count }
    #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(digits.images.elements.allSatisfy { $0 >= 0 && $0 <= 1 && (16 * $0).rounded() == 16 * $0 })
    #expect(digits.labels[0] == 0)
    #expect(digits.images[0][0..<8].map { 16 * $0 } == [0, 0, 5, 13, 9, 1, 0, 0])
    #expect(digits.images[1][16..<24].map { 16 * $0 } == [0, 0, 3, 15, 16, 6, 0, 0])
  }

  @Test func splitsAndBatchesHaveEveryDigitOnce() throws {
    let digits = DigitImages.load()
    var generator = StreamGenerator(seed: 2)
    let (training, test) = digits.split(using: &generator)
    #expect(training.count == 1198 && test.count == 599)
    let batches = training.batches(of: 32, using: &generator)
    #expect(batches.count == 38 && batches.dropLast().allSatisfy { $0.count == 32 })
    func inks(_ parts: [DigitImages]) -> [[Float]] {
      parts.flatMap { part in zip(part.images, part.labels).map { $0 + [Float($1)] } }
        .sorted { $0.lexicographicallyPrecedes($1) }
    }
    #expect(inks(batches + [test]) == inks([digits]))
    // Another seed is another order, the same seed the same.
    var (other, again) = (StreamGenerator(seed: 3), StreamGenerator(seed: 2))
    #expect(digits.split(using: &other).training.labels != training.labels)
    #expect(digits.split(using: &again).training.labels == training.labels)
  }
}
