/// Memory that a caller in C hands over to be read; null where there is none.
public typealias Numbers<Element> = UnsafePointer<Element>?

/// Memory that a caller in C hands over to be written; null where there is none.
public typealias Memory<Element> = UnsafeMutablePointer<Element>?
