import Charts
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct TileFigureTests {
  private let figure = TileFigure(
    "Tiles <of> grey", subtitle: "two rows",
    rows: [
      .init(
        "first",
        [.init([0, 1, 1, 0.5, 0.5, 0.52], columns: 3, caption: "a & b"), .init([2, 2], columns: 1)]),
      .init("second", [.init([.nan, -1, 0.04, 0.06], columns: 2)]),
    ], tile: 5)

  @Test func tilesOfOneGreyAreOnePath() {
    let svg = figure.svg
    // Two tiles of ink in the first line, a whole line of half ink in the second.
    #expect(svg.contains("d=\"M1 0h2v1h-2z\" class=\"ink\" fill=\"#1f2328\" fill-opacity=\"1\""), "\(svg)")
    #expect(svg.contains("d=\"M0 1h3v1h-3z\" class=\"ink\" fill=\"#1f2328\" fill-opacity=\"0.5\""), "\(svg)")
    // Beyond 1 is ink, and a run ends with its line; NaN, what is below 0 and what rounds to it is paper.
    #expect(
      svg.contains("d=\"M0 0h1v1h-1zM0 1h1v1h-1z\" class=\"ink\" fill=\"#1f2328\" fill-opacity=\"1\""),
      "\(svg)")
    #expect(svg.contains("d=\"M1 1h1v1h-1z\" class=\"ink\" fill=\"#1f2328\" fill-opacity=\"0.1\""), "\(svg)")
    #expect(svg.components(separatedBy: "fill-opacity").count == 5, "\(svg)")
    #expect(svg == figure.svg)
  }

  @Test func itIsXMLWithItsNames() throws {
    let document = try XMLDocument(xmlString: figure.svg)
    let texts = try document.nodes(forXPath: "//*[local-name()='text']").compactMap(\.stringValue)
    #expect(texts == ["Tiles <of> grey", "two rows", "first", "a & b", "second"])
    let frames = try document.nodes(forXPath: "//*[local-name()='path'][@class='grid']")
    #expect(frames.count == 3)
  }
}
