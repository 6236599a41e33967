import Charts
import CommandLineConventions
import Noisemax

/// A law as the pictures show it.
struct PlotLaw {
  let name: String
  /// The same colour in every picture, whatever other laws are in it.
  let color: Int
  private let noise: any ExactNoise
  /// What is drawn is the law of (ε − center)/spread.
  private let center: Double
  private let spread: Double

  /// A law of the registry, as it is or moved and scaled to mean 0 and variance 1.
  init(named name: some StringProtocol, isStandardized: Bool) throws(Failure) {
    let law = try ShippedLaw.law(named: String(name))
    self.name = law.name
    color = ShippedLaw.all.firstIndex { $0.name == law.name } ?? 0
    noise = law.noise
    center = isStandardized ? law.noise.mean : 0
    spread = isStandardized ? law.noise.variance.squareRoot() : 1
  }

  func argmax(_ method: NoisyArgmax.Method = .exact) -> NoisyArgmax {
    NoisyArgmax(noise, scale: 1 / spread, method: method)
  }

  func density(at x: Double) -> Double { spread * noise.density(at: center + spread * x) }

  /// Where the density has a jump or a kink.
  var kinks: [Double] {
    ((noise as? any PiecewiseNoise)?.kinks ?? []).map { ($0 - center) / spread }
  }

  func series(_ points: [ChartPoint], marks: ChartSeries.Marks = .line) -> ChartSeries {
    ChartSeries(name, color: color, marks: marks, points: points)
  }
}

/// The pictures' laws, and how they are to be compared.
struct PlotLaws {
  let laws: [PlotLaw]
  let isStandardized: Bool

  /// What a picture's subtitle says about the laws.
  var remark: String { isStandardized ? ", every law at mean 0 and variance 1" : "" }

  func map<Result>(_ transform: (PlotLaw) -> Result) -> [Result] { laws.map(transform) }
}

/// Evenly spaced numbers from one end of a range to the other.
func points(in range: ClosedRange<Double>, count: Int) -> [Double] {
  (0..<count).map { index in
    range.lowerBound + (range.upperBound - range.lowerBound) * (Double(index) / Double(count - 1))
  }
}
