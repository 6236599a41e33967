/// One chart: lines, dots and bands over a pair of axes.
package struct Chart: Sendable {
  package var title: String
  package var x: ChartAxis
  package var y: ChartAxis
  package var series: [ChartSeries]

  package init(_ title: String = "", x: ChartAxis, y: ChartAxis, series: [ChartSeries]) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
  }
}

/// A line of points, or dots, of one colour under one name.
package struct ChartSeries: Sendable {
  /// Several series of one label and colour are named once.
  package var label: String
  /// A colour of the ``ChartPalette``; beyond its end they begin anew.
  package var color: Int
  package var marks: Marks
  /// In the order in which a line joins them. A point that its axes cannot show interrupts the line.
  package var points: [ChartPoint]

  package init(_ label: String, color: Int, marks: Marks = .line, points: [ChartPoint]) {
    self.label = label
    self.color = color
    self.marks = marks
    self.points = points
  }

  /// What a series is drawn with.
  package struct Marks: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let line = Marks(rawValue: 1)
    package static let dashedLine = Marks(rawValue: 2)
    package static let dots = Marks(rawValue: 4)
    /// Thin bars from zero, or from the lower end of the axis if zero is not on it.
    package static let stems = Marks(rawValue: 8)
  }
}

/// A point of a series, with the range that it may lie in: shown as a band along a line, as a bar through a dot.
package struct ChartPoint: Sendable, Equatable {
  package var x: Double
  package var y: Double
  package var range: ClosedRange<Double>?

  package init(x: Double, y: Double, range: ClosedRange<Double>? = nil) {
    self.x = x
    self.y = y
    self.range = range
  }
}

/// An axis: what it measures, and how.
package struct ChartAxis: Sendable {
  package var label: String
  package var isLogarithmic: Bool
  /// From where to where; nil for what holds all the points and ends at ticks.
  package var range: ClosedRange<Double>?
  /// Where it is labelled, and how; nil for round numbers.
  package var ticks: [ChartTick]?

  package init(
    _ label: String, isLogarithmic: Bool = false, range: ClosedRange<Double>? = nil, ticks: [ChartTick]? = nil
  ) {
    self.label = label
    self.isLogarithmic = isLogarithmic
    self.range = range
    self.ticks = ticks
  }
}

/// A labelled place of an axis.
package struct ChartTick: Sendable, Equatable {
  package var value: Double
  package var label: String

  package init(_ value: Double, _ label: String) {
    self.value = value
    self.label = label
  }
}
