// Making and freeing transforms.

import CNoisemax
import Noisemax

/// What a handle owns.
final class Transform: Sendable {
  let argmax: NoisyArgmax

  init(_ argmax: NoisyArgmax) { self.argmax = argmax }

  /// What the transform behind a handle computes with.
  static func argmax(of handle: OpaquePointer?) throws(Refusal) -> NoisyArgmax {
    guard let handle else { throw .argument("the transform is null") }
    return Unmanaged<Transform>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue().argmax
  }
}

@c @implementation
public func noisemax_abi_version() -> Int32 { NOISEMAX_ABI_VERSION }

@c @implementation
public func noisemax_law_name(_ index: Int) -> Numbers<CChar> {
  LawNames.shared.texts.indices.contains(index) ? LawNames.shared.texts[index] : nil
}

@c @implementation
public func noisemax_create(
  _ law: Numbers<CChar>, _ scale: Double, _ points: Int,
  _ result: Memory<OpaquePointer?>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    guard let law else { throw .argument("the name of the law is null") }
    guard let result else { throw .argument("the place for the transform is null") }
    let name = String(cString: law)
    guard let noise = ShippedLaw.standard(named: name) else {
      // What a message has room for.
      let shown = name.count > 40 ? name.prefix(40) + "…" : name[...]
      let known = NoiseRegistry.shipped.names.joined(separator: ", ")
      throw Refusal(NOISEMAX_UNKNOWN_LAW, "there is no law of noise named '\(shown)': there are \(known)")
    }
    guard scale > 0 && scale.isFinite else {
      throw .argument("the scale of the noise is finite and above 0, not \(scale)")
    }
    guard points >= 0 && points <= 1_000_000 else {
      throw .argument("the quantile rule takes 1 to 1000000 points, or 0 for the exact method, not \(points)")
    }
    let method = points == 0 ? NoisyArgmax.Method.exact : .quantileRule(points: points)
    let argmax = NoisyArgmax(noise, scale: scale, method: method)
    result.pointee = OpaquePointer(Unmanaged.passRetained(Transform(argmax)).toOpaque())
  }
}

@c @implementation
public func noisemax_destroy(_ transform: OpaquePointer?) {
  guard let transform else { return }
  Unmanaged<Transform>.fromOpaque(UnsafeRawPointer(transform)).release()
}

@c @implementation
public func noisemax_lock() { Gate.shared.close() }

@c @implementation
public func noisemax_unlock() { Gate.shared.open() }

/// The names of the laws as C strings that stay.
private final class LawNames: @unchecked Sendable {
  static let shared = LawNames()

  let texts: [UnsafePointer<CChar>]

  private init() {
    texts = NoiseRegistry.shipped.names.map { name in
      let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: name.utf8.count + 1)
      _ = bytes.initialize(from: name.utf8CString)
      return UnsafePointer(bytes.baseAddress!)
    }
  }
}
