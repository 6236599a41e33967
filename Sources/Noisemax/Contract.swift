/// Stops with a message if a caller has broken a contract.
///
/// As `precondition` does, but with its text in release builds too: what was wrong, with which values.
@inline(__always)
package func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition() { fatalError(message(), file: file, line: line) }
}
