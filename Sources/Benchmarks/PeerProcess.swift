import CommandLineConventions
import Foundation

/// The Python process that measures what other libraries take: Peers/peers.py says how to talk to it.
final class PeerProcess {
  /// What it says about itself first.
  struct Welcome: Decodable {
    let offers: [Offer]
    let versions: [String: String]
    let missing: [String: String]
  }

  struct Offer: Decodable {
    let peer: String
    let law: String
    let precisions: [String]
    let pass: String
    let largest: Int
  }

  struct Request: Encodable {
    let offer: Int
    let precision: String
    let size: Int
    let rows: Int
    let logits: String
    let exact: String
    let seconds: Double
  }

  struct Answer: Decodable {
    let nanosecondsPerRow: Double?
    let rows: Int?
    let maximumError: Double?
    let failure: String?
  }

  let welcome: Welcome
  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private var unread = Data()

  static let installation = "python3 -m pip install -r Sources/Benchmarks/Peers/requirements.txt"

  private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Peers/peers.py").path

  /// Starts `python3` from the path.
  ///
  /// - Throws: ``Silence`` if it does not start or does not introduce itself.
  init() throws(Silence) {
    let answers = answers
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", Self.script]
    process.standardInput = requests
    process.standardOutput = answers
    do { try process.run() } catch { throw Silence() }
    guard let line = Self.line(of: answers, &unread),
      let welcome = try? JSONDecoder().decode(Welcome.self, from: line)
    else {
      process.terminate()
      throw Silence()
    }
    self.welcome = welcome
  }

  /// Python said nothing that can be understood.
  struct Silence: Error {}

  func ask(_ request: Request) -> Answer {
    let silent = Answer(
      nanosecondsPerRow: nil, rows: nil, maximumError: nil, failure: "Python stopped without an answer")
    guard let line = try? JSONEncoder().encode(request) else { return silent }
    do { try requests.fileHandleForWriting.write(contentsOf: line + Data([0x0a])) } catch { return silent }
    guard let answer = Self.line(of: answers, &unread) else { return silent }
    return (try? JSONDecoder().decode(Answer.self, from: answer)) ?? silent
  }

  private static func line(of pipe: Pipe, _ unread: inout Data) -> Data? {
    while true {
      if let end = unread.firstIndex(of: 0x0a) {
        defer { unread = Data(unread[(end + 1)...]) }
        return Data(unread[..<end])
      }
      let more = pipe.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      unread += more
    }
  }

  deinit {
    // The end of its input ends it.
    try? requests.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
