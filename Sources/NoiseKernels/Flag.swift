#if hasFeature(BuiltinModule)
  import Builtin
#endif

/// A flag that any thread may read while one raises it: who sees it raised sees all that was written before.
///
/// Where the compiler has no atomic operations nobody sees it raised. Its memory belongs to whoever made it.
package struct Flag {
  private let word = UnsafeMutablePointer<Int64>.allocate(capacity: 1)

  package init() { word.initialize(to: 0) }

  package var isRaised: Bool {
    #if hasFeature(BuiltinModule)
      Int64(Builtin.atomicload_acquire_Int64(word._rawValue)) != 0
    #else
      false
    #endif
  }

  package func raise() {
    #if hasFeature(BuiltinModule)
      Builtin.atomicstore_release_Int64(word._rawValue, Int64(1)._value)
    #endif
  }

  package func deallocate() { word.deallocate() }
}
