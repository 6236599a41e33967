/// A value that few need: made when it is first asked for, once, whatever the thread.
final class LazyValue<Value: Sendable>: @unchecked Sendable {
  private let lock = Lock()
  private var value: Value?
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  /// Takes a lock, some 20 ns: not for what every row needs.
  func callAsFunction() -> Value {
    lock.withLock {
      if let value { return value }
      let made = make()
      value = made
      return made
    }
  }
}
