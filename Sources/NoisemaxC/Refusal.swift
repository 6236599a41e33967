// What a call comes to: a status, and a message where something was wrong.

import CNoisemax

/// Why a call was not carried out.
struct Refusal: Error {
  let status: noisemax_status
  let text: String

  init(_ status: noisemax_status, _ text: String) { (self.status, self.text) = (status, text) }

  static func argument(_ text: String) -> Refusal { Refusal(NOISEMAX_BAD_ARGUMENT, text) }

  /// Writes the text as a C string, cut between two characters if there is not room for all of it.
  func write(to message: Memory<CChar>, _ capacity: Int) {
    guard let message, capacity > 0 else { return }
    var next = 0
    for scalar in text.unicodeScalars {
      let bytes = Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter
      guard next + bytes.count < capacity else { break }
      for byte in bytes {
        message[next] = CChar(bitPattern: byte)
        next += 1
      }
    }
    message[next] = 0
  }
}

/// Carries out a call, while nobody forks, whose arguments its body checks before anything else.
func answer(
  _ message: Memory<CChar>, _ capacity: Int, _ body: () throws(Refusal) -> Void
) -> noisemax_status {
  Gate.shared.enter()
  defer { Gate.shared.leave() }
  do throws(Refusal) {
    try body()
    return NOISEMAX_OK
  } catch {
    error.write(to: message, capacity)
    return error.status
  }
}
