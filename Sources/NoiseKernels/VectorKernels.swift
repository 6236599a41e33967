#if VARIANT
  import NoiseKernels
#endif

/// The loops as the instruction set of this module runs them.
///
/// None is inlined into another module, whose instruction set may be a lower one.
package enum VectorKernels: Kernels {}
