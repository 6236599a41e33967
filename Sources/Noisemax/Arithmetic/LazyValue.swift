internal import NoiseKernels

/// A value that is made once, when a thread first asks for it. Later it costs a load.
final class LazyValue<Value: Sendable>: @unchecked Sendable {
  private let lock = Lock()
  private let isMade = Flag()
  private let value = UnsafeMutablePointer<Value?>.allocate(capacity: 1)
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) {
    self.make = make
    value.initialize(to: nil)
  }

  func callAsFunction() -> Value {
    if isMade.isRaised, let made = value.pointee { return made }
    return lock.withLock {
      if let made = value.pointee { return made }
      let made = make()
      value.pointee = made
      isMade.raise()
      return made
    }
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
    isMade.deallocate()
  }
}
