/* Noisemax for C: the distribution of the random index argmax(mu + scale * eps), eps independent noise of one law.
 *
 *     noisemax_transform *transform;
 *     char message[NOISEMAX_MESSAGE_CAPACITY];
 *     if (noisemax_create("normal", 1, 0, &transform, message, sizeof message)) { puts(message); exit(1); }
 *     noisemax_probabilities(transform, logits, rows, length, 0, p, message, sizeof message);
 *     noisemax_destroy(transform);
 *
 * Logits. `rows` rows of `length` logits each, one after the other. -INFINITY masks a class, which then has the
 * probability 0. A row with a NaN, or with several of +INFINITY, has NaN. Results have the shape of the logits, or one
 * number a row, and go to memory of the caller, which must not overlap the logits. A function whose name ends in _f takes
 * floats and computes as accurately as they can hold.
 *
 * Errors. A function returns NOISEMAX_OK, or what was wrong. It never stops the process: every argument is checked first,
 * but for what only the caller can know, that a pointer which is not null leads to as many numbers as it should. After an
 * error nothing has been written but the message: `capacity` bytes at most, the closing 0 included, in UTF-8. The message
 * may be null where nobody reads it.
 *
 * Threads. A transform never changes: any number of threads may use one at the same time. A call does the rows of a
 * large batch on up to `threads` threads, as many as the machine has processors where that is less than 1. A row has the
 * same bits alone, in a batch, and on any number of threads.
 *
 * Forks. A call may make what a law needs, and other calls wait for it. A process that forks while other threads may be
 * calling holds the lock around the fork: noisemax_lock before it, noisemax_unlock after it, in the parent and in the child. A
 * child that does not run another program should ask for 1 thread.
 */

#ifndef NOISEMAX_H
#define NOISEMAX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface that the header describes. */
#define NOISEMAX_ABI_VERSION 3

/* Every message fits in so many bytes. */
#define NOISEMAX_MESSAGE_CAPACITY 512

/* The version of this interface that the library has. Another number than NOISEMAX_ABI_VERSION: do not call it. */
int32_t noisemax_abi_version(void);

typedef enum noisemax_status {
  NOISEMAX_OK = 0,
  /* No law has that name: the message lists those that there are. */
  NOISEMAX_UNKNOWN_LAW = 1,
  /* A number is out of its range, or a pointer is null. */
  NOISEMAX_BAD_ARGUMENT = 2,
  /* A target is no class of its row, no distribution, or no ordering. */
  NOISEMAX_BAD_TARGET = 3,
  /* The quantile rule does not have this quantity. */
  NOISEMAX_NEEDS_EXACT = 4
} noisemax_status;

/* MARK: transforms */

/* A law of noise, its scale, and the method by which the integral over the noise is done. */
typedef struct noisemax_transform noisemax_transform;

/* The name of a law, such as "normal"; null from the number of laws on. The text is never freed. */
const char *noisemax_law_name(ptrdiff_t index);

/* Makes a transform. The first one with a law takes some milliseconds, as may the first rows that need more of the law.
 *
 * law       its name; upper and lower case are the same
 * scale     what the noise is multiplied by: finite, above 0
 * points    0: exact. Otherwise the points of the quantile rule, an approximation: 1 to 1,000,000
 * result    where the transform is put; it lives until it is handed to noisemax_destroy
 */
noisemax_status noisemax_create(const char *law, double scale, ptrdiff_t points, noisemax_transform **result,
                                char *message, size_t capacity);

/* Frees a transform that no call is using. Null is fine. */
void noisemax_destroy(noisemax_transform *transform);

/* Waits until no call is running, and makes those that come wait: see Forks. The thread that holds the lock must not call
 * anything but noisemax_unlock, which a child may call too. */
void noisemax_lock(void);
void noisemax_unlock(void);

/* MARK: probabilities */

/* p_i = P[argmax(mu + scale * eps) = i]. */
noisemax_status noisemax_probabilities(const noisemax_transform *transform, const double *logits, ptrdiff_t rows,
                                       ptrdiff_t length, int32_t threads, double *result, char *message,
                                       size_t capacity);
noisemax_status noisemax_probabilities_f(const noisemax_transform *transform, const float *logits, ptrdiff_t rows,
                                         ptrdiff_t length, int32_t threads, float *result, char *message,
                                         size_t capacity);

/* log p_i, accurate where p_i underflows and where it is almost 1. */
noisemax_status noisemax_log_probabilities(const noisemax_transform *transform, const double *logits,
                                           ptrdiff_t rows, ptrdiff_t length, int32_t threads, double *result,
                                           char *message, size_t capacity);
noisemax_status noisemax_log_probabilities_f(const noisemax_transform *transform, const float *logits,
                                             ptrdiff_t rows, ptrdiff_t length, int32_t threads, float *result,
                                             char *message, size_t capacity);

/* The gradient of the sum of v_i p_i in the logits, for cotangents v in the shape of the logits. */
noisemax_status noisemax_pullback(const noisemax_transform *transform, const double *logits,
                                  const double *cotangents, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                  double *result, char *message, size_t capacity);
noisemax_status noisemax_pullback_f(const noisemax_transform *transform, const float *logits,
                                    const float *cotangents, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                    float *result, char *message, size_t capacity);

/* The gradient of the sum of v_i log p_i. A class whose log p is -INFINITY has 0 and moves no other. */
noisemax_status noisemax_log_pullback(const noisemax_transform *transform, const double *logits,
                                      const double *cotangents, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                      double *result, char *message, size_t capacity);
noisemax_status noisemax_log_pullback_f(const noisemax_transform *transform, const float *logits,
                                        const float *cotangents, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                        float *result, char *message, size_t capacity);

/* The derivative of the sum of v_i p_i in the scale: one number a row. */
noisemax_status noisemax_scale_pullback(const noisemax_transform *transform, const double *logits,
                                        const double *cotangents, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                        double *result, char *message, size_t capacity);
noisemax_status noisemax_scale_pullback_f(const noisemax_transform *transform, const float *logits,
                                          const float *cotangents, ptrdiff_t rows, ptrdiff_t length,
                                          int32_t threads, float *result, char *message, size_t capacity);

/* The derivatives of the sum of v_i w_j dp_i/dmu_j: in the logits, and in the scale of the transform, one number a row, which
 * may be null. The gradient J v, which noisemax_pullback gives, has in a cotangent w the gradient J w in v, and this one in the
 * logits. Exact transforms only. Where a density jumps second derivatives may, as at equal logits: there they are the mean of
 * both sides. */
noisemax_status noisemax_second_pullback(const noisemax_transform *transform, const double *logits,
                                         const double *cotangents, const double *others, ptrdiff_t rows,
                                         ptrdiff_t length, int32_t threads, double *result, double *in_scale,
                                         char *message, size_t capacity);
noisemax_status noisemax_second_pullback_f(const noisemax_transform *transform, const float *logits,
                                           const float *cotangents, const float *others, ptrdiff_t rows,
                                           ptrdiff_t length, int32_t threads, float *result, float *in_scale,
                                           char *message, size_t capacity);

/* The derivatives of the sum of v_i w_j d(log p_i)/dmu_j, likewise: v weighs the classes, w is a direction of the logits. */
noisemax_status noisemax_log_second_pullback(const noisemax_transform *transform, const double *logits,
                                             const double *cotangents, const double *directions, ptrdiff_t rows,
                                             ptrdiff_t length, int32_t threads, double *result, double *in_scale,
                                             char *message, size_t capacity);
noisemax_status noisemax_log_second_pullback_f(const noisemax_transform *transform, const float *logits,
                                               const float *cotangents, const float *directions, ptrdiff_t rows,
                                               ptrdiff_t length, int32_t threads, float *result, float *in_scale,
                                               char *message, size_t capacity);

/* MARK: one number a row */

typedef enum noisemax_loss {
  /* E[max(mu + scale * eps)] - E[scale * eps] - <mu, y>: convex, with the gradient p - y. Exact transforms only. */
  NOISEMAX_FENCHEL_YOUNG = 0,
  /* - sum of y_i log p_i. */
  NOISEMAX_NEGATIVE_LOG_LIKELIHOOD = 1
} noisemax_loss;

/* How far each row is from its target, and the gradient of each row's own loss in the shape of the logits.
 *
 * classes   the index of a class for each row: then weights is null
 * weights   y in the shape of the logits: in each row none below 0, their sum 1 within 1e-6 (floats: 1e-3): then
 *           classes is null
 * values    one number a row
 * gradient  may be null
 */
noisemax_status noisemax_losses(const noisemax_transform *transform, noisemax_loss loss, const double *logits,
                                const int64_t *classes, const double *weights, ptrdiff_t rows, ptrdiff_t length,
                                int32_t threads, double *values, double *gradient, char *message, size_t capacity);
noisemax_status noisemax_losses_f(const noisemax_transform *transform, noisemax_loss loss, const float *logits,
                                  const int64_t *classes, const float *weights, ptrdiff_t rows, ptrdiff_t length,
                                  int32_t threads, float *values, float *gradient, char *message, size_t capacity);

typedef enum noisemax_summary {
  /* E[max(mu + scale * eps)], whose gradient is p. Exact transforms only. */
  NOISEMAX_EXPECTED_MAXIMUM = 0,
  /* E[max(mu + scale * eps)] - E[scale * eps] - <mu, p>, the entropy that belongs to the law. Exact transforms only. */
  NOISEMAX_GENERALIZED_ENTROPY = 1,
  /* The derivative of the expected maximum in the scale. Exact transforms only. */
  NOISEMAX_EXPECTED_MAXIMUM_SCALE_DERIVATIVE = 2,
  /* - sum of p_i log p_i. */
  NOISEMAX_SHANNON_ENTROPY = 3,
  /* The sum of p_i log(n p_i) over the n classes that are not masked. */
  NOISEMAX_DIVERGENCE_FROM_UNIFORM = 4
} noisemax_summary;

/* One number that sums up each row, and its gradient in the shape of the logits, which may be null. */
noisemax_status noisemax_summaries(const noisemax_transform *transform, noisemax_summary summary,
                                   const double *logits, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                   double *values, double *gradient, char *message, size_t capacity);
noisemax_status noisemax_summaries_f(const noisemax_transform *transform, noisemax_summary summary,
                                     const float *logits, ptrdiff_t rows, ptrdiff_t length, int32_t threads,
                                     float *values, float *gradient, char *message, size_t capacity);

/* MARK: draws */

/* Random indices argmax(mu + scale * eps), one a row, -1 where no class is open or the row has no probabilities.
 *
 * Row r draws from the stream first_row + r of the seed: rows have the same indices in one batch or in several.
 */
noisemax_status noisemax_sample(const noisemax_transform *transform, const double *logits, ptrdiff_t rows,
                                ptrdiff_t length, uint64_t seed, ptrdiff_t first_row, int32_t threads,
                                int64_t *result, char *message, size_t capacity);
noisemax_status noisemax_sample_f(const noisemax_transform *transform, const float *logits, ptrdiff_t rows,
                                  ptrdiff_t length, uint64_t seed, ptrdiff_t first_row, int32_t threads,
                                  int64_t *result, char *message, size_t capacity);

/* Relaxed draws softmax((mu + scale * eps) / temperature), with the noise that noisemax_sample has for the same seed.
 *
 * temperature  0 or above: 0 gives the one-hot of the winner
 * result       the draws; may be null
 * perturbed    mu + scale * eps less its largest of each row: 0 at the winner, -INFINITY where a class cannot win; may
 *              be null
 */
noisemax_status noisemax_relaxed_sample(const noisemax_transform *transform, double temperature,
                                        const double *logits, ptrdiff_t rows, ptrdiff_t length, uint64_t seed,
                                        ptrdiff_t first_row, int32_t threads, double *result, double *perturbed,
                                        char *message, size_t capacity);
noisemax_status noisemax_relaxed_sample_f(const noisemax_transform *transform, double temperature,
                                          const float *logits, ptrdiff_t rows, ptrdiff_t length, uint64_t seed,
                                          ptrdiff_t first_row, int32_t threads, float *result, float *perturbed,
                                          char *message, size_t capacity);

/* The gradient of the sum of v_i y_i in the logits, for the relaxed draws y of the same arguments, the noise held fixed,
 * and the derivative in the temperature, one number for each row, which may be null. */
noisemax_status noisemax_relaxed_pullback(const noisemax_transform *transform, double temperature,
                                          const double *logits, const double *cotangents, ptrdiff_t rows,
                                          ptrdiff_t length, uint64_t seed, ptrdiff_t first_row, int32_t threads,
                                          double *result, double *in_temperature, char *message, size_t capacity);
noisemax_status noisemax_relaxed_pullback_f(const noisemax_transform *transform, double temperature,
                                            const float *logits, const float *cotangents, ptrdiff_t rows,
                                            ptrdiff_t length, uint64_t seed, ptrdiff_t first_row, int32_t threads,
                                            float *result, float *in_temperature, char *message, size_t capacity);

#ifdef __cplusplus
}
#endif

#include "noisemax_beyond.h"

#endif
