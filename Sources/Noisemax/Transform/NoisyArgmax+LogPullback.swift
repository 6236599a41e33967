// Derivatives of the log-probabilities, also where the probabilities underflow.

extension NoisyArgmax {
  /// The gradient of Σ v_i log p_i: how a loss with the gradient `cotangent` in the log-probabilities changes with the
  /// logits.
  ///
  /// Each ∂log p_i/∂μ_j is accurate also where p_i underflows: to 1e-10 of the largest of its class, or to 2⁻⁵⁰ |log p_i|
  /// where that is more, since an integrand as small has lost as many digits. A class with the log-probability −∞, be it
  /// masked or out of the noise's reach, stays where it is: it gets 0 and moves no other, whatever its cotangent. A row
  /// where one class is certain, or none is open, gets 0 everywhere; one with a NaN gets NaN.
  ///
  /// Cost: about three times that of the probabilities. A class with a cotangent and a probability below 1e-295
  /// is integrated on its own, at a cost that grows neither with the gaps nor, under laws with smooth tails, with the
  /// number of classes.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func logProbabilitiesPullback(at logits: [Double], of cotangent: [Double]) -> [Double] {
    array(pulledBackThrough: .logProbabilities, at: logits, of: cotangent, rowLength: logits.count)
  }

  /// The gradient of Σ v_i log p_i in the precision of the row.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func logProbabilitiesPullback<Scalar: LogitScalar>(
    at logits: [Scalar], of cotangent: [Scalar]
  ) -> [Scalar] {
    array(pulledBackThrough: .logProbabilities, at: logits, of: cotangent, rowLength: logits.count)
  }

  /// The gradient of Σ v_i log p_i for every row of a row-major batch.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  public func logProbabilitiesPullback<Scalar: LogitScalar>(
    atRowsOf logits: [Scalar], of cotangent: [Scalar], rowLength: Int
  ) -> [Scalar] {
    array(pulledBackThrough: .logProbabilities, at: logits, of: cotangent, rowLength: rowLength)
  }

  /// Writes the gradient of Σ v_i log p_i for every row of a row-major batch, without allocating once the workspace has
  /// grown, but for classes with a cotangent and a probability below 1e-295.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangent and the result are as long.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  public func writeLogProbabilitiesPullback<Scalar: LogitScalar>(
    atRowsOf logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      cotangent.withUnsafeBufferPointer { cotangent in
        result.withUnsafeMutableBufferPointer {
          writePullback(
            through: .logProbabilities, atRowsOf: rows, of: cotangent, rowLength: rowLength, to: $0,
            workspace: &workspace)
        }
      }
    }
  }

  /// Replaces the cotangents v of every row of a row-major batch by the gradient of Σ v_i log p_i, without allocating once
  /// the workspace has grown, but for what ``writeLogProbabilitiesPullback(atRowsOf:of:rowLength:to:workspace:)`` names.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  public func formLogProbabilitiesPullback<Scalar: LogitScalar>(
    inRowsOf cotangent: inout MutableSpan<Scalar>, at logits: Span<Scalar>, rowLength: Int,
    workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      cotangent.withUnsafeMutableBufferPointer {
        writePullback(
          through: .logProbabilities, atRowsOf: rows, of: UnsafeBufferPointer($0), rowLength: rowLength,
          to: $0, workspace: &workspace)
      }
    }
  }

  /// The log-probabilities of one row, and the function that pulls a cotangent back through them.
  public func logProbabilitiesWithPullback<Scalar: LogitScalar>(
    at logits: [Scalar]
  ) -> (logProbabilities: [Scalar], pullback: @Sendable ([Scalar]) -> [Scalar]) {
    (logProbabilities(for: logits), { logProbabilitiesPullback(at: logits, of: $0) })
  }
}
