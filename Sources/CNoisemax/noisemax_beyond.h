/* Noisemax for C, what noisemax.h includes last: classes with scales of their own or with common factors, the k largest,
 * orderings, and the inverse. Exact transforms only, but for draws. Errors, threads and memory are as that header says.
 */

#ifndef NOISEMAX_BEYOND_H
#define NOISEMAX_BEYOND_H

#include "noisemax.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MARK: classes with scales of their own, and the k largest
 *
 * `scales` has the shape of the logits: what the noise of each class is multiplied by besides the
 * scale of the transform. Finite, 0 or above; 0 is a class without noise, and no two of those tie. Null where all are 1.
 */

/* P[class i is among the `largest` of mu + scale * scales * eps]. With 1: that it is the largest of all.
 *
 * largest   k: from 1 to the length of a row
 */
noisemax_status noisemax_inclusions(const noisemax_transform *transform, ptrdiff_t largest, const double *logits,
                                    const double *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                    double *result, char *message, size_t capacity);
noisemax_status noisemax_inclusions_f(const noisemax_transform *transform, ptrdiff_t largest, const float *logits,
                                      const float *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                      float *result, char *message, size_t capacity);

/* The gradients of the sum of v_i P[class i is among the `largest`]: in the logits, and in the scales, which may be null. */
noisemax_status noisemax_inclusion_pullback(const noisemax_transform *transform, ptrdiff_t largest,
                                            const double *logits, const double *scales, const double *cotangents,
                                            ptrdiff_t rows, ptrdiff_t length, int32_t threads, double *result,
                                            double *in_scales, char *message, size_t capacity);
noisemax_status noisemax_inclusion_pullback_f(const noisemax_transform *transform, ptrdiff_t largest,
                                              const float *logits, const float *scales, const float *cotangents,
                                              ptrdiff_t rows, ptrdiff_t length, int32_t threads, float *result,
                                              float *in_scales, char *message, size_t capacity);

/* E[the sum of the `largest` of mu + scale * scales * eps], a number a row, with its gradients in the logits, which are
 * the inclusions, and in the scales. Both may be null. */
noisemax_status noisemax_expected_sums(const noisemax_transform *transform, ptrdiff_t largest, const double *logits,
                                       const double *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                       double *values, double *gradient, double *in_scales, char *message,
                                       size_t capacity);
noisemax_status noisemax_expected_sums_f(const noisemax_transform *transform, ptrdiff_t largest, const float *logits,
                                         const float *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                         float *values, float *gradient, float *in_scales, char *message,
                                         size_t capacity);

/* log p_i where every class has a scale. */
noisemax_status noisemax_scaled_log_probabilities(const noisemax_transform *transform, const double *logits,
                                                  const double *scales, ptrdiff_t rows, ptrdiff_t length,
                                                  int32_t threads, double *result, char *message, size_t capacity);
noisemax_status noisemax_scaled_log_probabilities_f(const noisemax_transform *transform, const float *logits,
                                                    const float *scales, ptrdiff_t rows, ptrdiff_t length,
                                                    int32_t threads, float *result, char *message, size_t capacity);

/* The gradients of the sum of v_i log p_i: in the logits, and in the scales, which may be null. */
noisemax_status noisemax_scaled_log_pullback(const noisemax_transform *transform, const double *logits,
                                             const double *scales, const double *cotangents, ptrdiff_t rows,
                                             ptrdiff_t length, int32_t threads, double *result, double *in_scales,
                                             char *message, size_t capacity);
noisemax_status noisemax_scaled_log_pullback_f(const noisemax_transform *transform, const float *logits,
                                               const float *scales, const float *cotangents, ptrdiff_t rows,
                                               ptrdiff_t length, int32_t threads, float *result, float *in_scales,
                                               char *message, size_t capacity);

/* As noisemax_losses, with the gradient of each row's own loss in the scales too. Both gradients may be null. */
noisemax_status noisemax_scaled_losses(const noisemax_transform *transform, noisemax_loss loss, const double *logits,
                                       const double *scales, const int64_t *classes, const double *weights,
                                       ptrdiff_t rows, ptrdiff_t length, int32_t threads, double *values,
                                       double *gradient, double *in_scales, char *message, size_t capacity);
noisemax_status noisemax_scaled_losses_f(const noisemax_transform *transform, noisemax_loss loss, const float *logits,
                                         const float *scales, const int64_t *classes, const float *weights,
                                         ptrdiff_t rows, ptrdiff_t length, int32_t threads, float *values,
                                         float *gradient, float *in_scales, char *message, size_t capacity);

/* As noisemax_sample. The quantile rule draws too. */
noisemax_status noisemax_scaled_sample(const noisemax_transform *transform, const double *logits,
                                       const double *scales, ptrdiff_t rows, ptrdiff_t length, uint64_t seed,
                                       ptrdiff_t first_row, int32_t threads, int64_t *result, char *message,
                                       size_t capacity);
noisemax_status noisemax_scaled_sample_f(const noisemax_transform *transform, const float *logits,
                                         const float *scales, ptrdiff_t rows, ptrdiff_t length, uint64_t seed,
                                         ptrdiff_t first_row, int32_t threads, int64_t *result, char *message,
                                         size_t capacity);

/* MARK: orderings, and the inverse */

/* - log P[the classes of an ordering come first, in its order], with its gradients in the logits and in the scales. Both
 * may be null.
 *
 * scales     as above, but none is 0
 * orderings  `places` different indices of classes for each row: a whole order, or the beginning of one. At least one
 *            where rows have classes
 * values     one number a row: INFINITY for an order that cannot be, with gradients of 0
 */
noisemax_status noisemax_ranking_losses(const noisemax_transform *transform, const double *logits,
                                        const double *scales, const int64_t *orderings, ptrdiff_t places,
                                        ptrdiff_t rows, ptrdiff_t length, int32_t threads, double *values,
                                        double *gradient, double *in_scales, char *message, size_t capacity);
noisemax_status noisemax_ranking_losses_f(const noisemax_transform *transform, const float *logits,
                                          const float *scales, const int64_t *orderings, ptrdiff_t places,
                                          ptrdiff_t rows, ptrdiff_t length, int32_t threads, float *values,
                                          float *gradient, float *in_scales, char *message, size_t capacity);

/* The logits, of mean 0, that have given probabilities: in each row none below 0, their sum 1 within 1e-6 (floats: 1e-3).
 * A class of probability 0 has -INFINITY, or where the noise is bounded the largest logit that cannot win.
 *
 * scales   as above, null where all are 1: of the classes without noise one at most has a probability above 0
 */
noisemax_status noisemax_inverse(const noisemax_transform *transform, const double *probabilities,
                                 const double *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                 double *result, char *message, size_t capacity);
noisemax_status noisemax_inverse_f(const noisemax_transform *transform, const float *probabilities,
                                   const float *scales, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                   float *result, char *message, size_t capacity);

/* MARK: common factors: argmax(mu + scale * scales * eps + V z), z standard normal of `rank` dimensions
 *
 * Values are means over z, at as many nodes as the tolerance wants, four million at most.
 *
 * scales      as above, null where all are 1; none of an open class is 0
 * loadings    V, none larger than 1e300: `rank` numbers for each logit, one class after the other
 * rank        1 to 3
 * tolerance   the error that is allowed, 1e-12 to 0.1: absolute of probabilities, logarithms and losses over the scale; of a
 *             gradient beside the range of its cotangents over the scale
 */

/* p_i, and log p_i down to p = 1e-290.
 *
 * errors   one number a row, an estimate of the largest absolute error, above the tolerance where four million nodes were not
 *          enough; may be null
 */
noisemax_status noisemax_factor_probabilities(const noisemax_transform *transform, const double *logits,
                                              const double *scales, const double *loadings, ptrdiff_t rank,
                                              double tolerance, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                              double *result, double *errors, char *message, size_t capacity);
noisemax_status noisemax_factor_probabilities_f(const noisemax_transform *transform, const float *logits,
                                                const float *scales, const float *loadings, ptrdiff_t rank,
                                                double tolerance, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                                float *result, float *errors, char *message, size_t capacity);
noisemax_status noisemax_factor_log_probabilities(const noisemax_transform *transform, const double *logits,
                                                  const double *scales, const double *loadings, ptrdiff_t rank,
                                                  double tolerance, ptrdiff_t rows, ptrdiff_t length,
                                                  int32_t threads, double *result, double *errors, char *message,
                                                  size_t capacity);
noisemax_status noisemax_factor_log_probabilities_f(const noisemax_transform *transform, const float *logits,
                                                    const float *scales, const float *loadings, ptrdiff_t rank,
                                                    double tolerance, ptrdiff_t rows, ptrdiff_t length,
                                                    int32_t threads, float *result, float *errors, char *message,
                                                    size_t capacity);

/* The gradients of the sum of v_i p_i, and of v_i log p_i: in the logits, and in the scales and the loadings, which may be
 * null. A class whose p is below 1e-290 moves nothing by its logarithm. */
noisemax_status noisemax_factor_pullback(const noisemax_transform *transform, const double *logits,
                                         const double *scales, const double *loadings, ptrdiff_t rank,
                                         double tolerance, const double *cotangents, ptrdiff_t rows,
                                         ptrdiff_t length, int32_t threads, double *result, double *in_scales,
                                         double *in_loadings, char *message, size_t capacity);
noisemax_status noisemax_factor_pullback_f(const noisemax_transform *transform, const float *logits,
                                           const float *scales, const float *loadings, ptrdiff_t rank,
                                           double tolerance, const float *cotangents, ptrdiff_t rows,
                                           ptrdiff_t length, int32_t threads, float *result, float *in_scales,
                                           float *in_loadings, char *message, size_t capacity);
noisemax_status noisemax_factor_log_pullback(const noisemax_transform *transform, const double *logits,
                                             const double *scales, const double *loadings, ptrdiff_t rank,
                                             double tolerance, const double *cotangents, ptrdiff_t rows,
                                             ptrdiff_t length, int32_t threads, double *result, double *in_scales,
                                             double *in_loadings, char *message, size_t capacity);
noisemax_status noisemax_factor_log_pullback_f(const noisemax_transform *transform, const float *logits,
                                               const float *scales, const float *loadings, ptrdiff_t rank,
                                               double tolerance, const float *cotangents, ptrdiff_t rows,
                                               ptrdiff_t length, int32_t threads, float *result, float *in_scales,
                                               float *in_loadings, char *message, size_t capacity);

/* As noisemax_scaled_losses, of classes as targets. The three gradients may be null. */
noisemax_status noisemax_factor_losses(const noisemax_transform *transform, noisemax_loss loss, const double *logits,
                                       const double *scales, const double *loadings, ptrdiff_t rank,
                                       double tolerance, const int64_t *classes, ptrdiff_t rows, ptrdiff_t length,
                                       int32_t threads, double *values, double *gradient, double *in_scales,
                                       double *in_loadings, char *message, size_t capacity);
noisemax_status noisemax_factor_losses_f(const noisemax_transform *transform, noisemax_loss loss,
                                         const float *logits, const float *scales, const float *loadings,
                                         ptrdiff_t rank, double tolerance, const int64_t *classes, ptrdiff_t rows,
                                         ptrdiff_t length, int32_t threads, float *values, float *gradient,
                                         float *in_scales, float *in_loadings, char *message, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
