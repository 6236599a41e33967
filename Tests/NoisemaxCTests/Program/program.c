/* A program that knows the library by its header alone: compiled and run by CProgramTests. */

#include <math.h>
#include <noisemax.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int holds, const char *what) {
  if (!holds) {
    printf("not so: %s\n", what);
    failures++;
  }
}

int main(void) {
  char message[NOISEMAX_MESSAGE_CAPACITY];
  noisemax_transform *normal = NULL, *gumbel = NULL;
  expect(noisemax_abi_version() == NOISEMAX_ABI_VERSION, "the version");
  for (ptrdiff_t index = 0; noisemax_law_name(index); index++) printf("%s\n", noisemax_law_name(index));

  expect(noisemax_create("cauchy", 1, 0, &normal, message, sizeof message) == NOISEMAX_UNKNOWN_LAW, "no law");
  expect(strstr(message, "'cauchy': there are gumbel") != NULL, message);
  expect(noisemax_create("normal", 1, 0, &normal, message, sizeof message) == NOISEMAX_OK, message);
  expect(noisemax_create("gumbel", 2, 0, &gumbel, NULL, 0) == NOISEMAX_OK, "a transform without a message");

  /* Under Gumbel noise of scale 2 the logits 0 and 2 log 3 have the probabilities 1/4 and 3/4, whatever is masked. */
  double logits[6] = {0, 2 * log(3), -INFINITY, 5, 5, 5}, p[6];
  expect(noisemax_probabilities(gumbel, logits, 2, 3, 0, p, message, sizeof message) == NOISEMAX_OK, message);
  expect(fabs(p[0] - 0.25) < 1e-14 && fabs(p[1] - 0.75) < 1e-14 && p[2] == 0, "probabilities under Gumbel noise");
  expect(fabs(p[3] - 1.0 / 3) < 1e-14 && p[3] == p[4] && p[4] == p[5], "equal probabilities");

  /* The difference of two Normals has the variance 2: log P[N < -8/sqrt(2)]. */
  float far[2] = {0, -8}, logs[2];
  expect(noisemax_log_probabilities_f(normal, far, 1, 2, 1, logs, message, sizeof message) == NOISEMAX_OK, message);
  expect(fabs(logs[1] - log(0.5 * erfc(4))) < 1e-5, "log-probabilities of floats");

  double loss, gradient[2];
  int64_t target = 1;
  expect(noisemax_losses(gumbel, NOISEMAX_NEGATIVE_LOG_LIKELIHOOD, logits, &target, NULL, 1, 2, 1, &loss, gradient,
                         message, sizeof message) == NOISEMAX_OK, message);
  expect(fabs(loss + log(0.75)) < 1e-14, "the loss");
  expect(fabs(gradient[0] - 0.125) < 1e-14 && fabs(gradient[1] + 0.125) < 1e-14, "its gradient");
  target = 2;
  expect(noisemax_losses(gumbel, NOISEMAX_FENCHEL_YOUNG, logits, &target, NULL, 1, 2, 1, &loss, gradient, message,
                         sizeof message) == NOISEMAX_BAD_TARGET, "a target that is no class");

  /* A factor of the classes 0 and 2 that is twice as strong as a normal: their difference has the variance 2, the others' 6. */
  double equal[3] = {0, 0, 0}, loadings[3] = {2, 0, 2}, shares[3], error;
  expect(noisemax_factor_probabilities(normal, equal, NULL, loadings, 1, 1e-9, 1, 3, 1, shares, &error, message,
                                       sizeof message) == NOISEMAX_OK, message);
  /* P[0 < x, 0 < y] of normals whose correlation is r: 1/4 + asin(r)/(2 pi). */
  double pi = acos(-1);
  expect(fabs(shares[1] - (0.25 + asin(5.0 / 6) / (2 * pi))) < 1e-9 && shares[0] == shares[2], "a common factor");
  expect(error > 0 && error < 1e-9, "the estimated error");
  double own[3] = {1, 0.5, 0};
  expect(noisemax_inverse(normal, shares, own, 1, 3, 1, equal, message, sizeof message) == NOISEMAX_OK, message);
  expect(noisemax_inclusions(normal, 1, equal, own, 1, 3, 1, p, message, sizeof message) == NOISEMAX_OK, message);
  expect(fabs(p[0] - shares[0]) < 1e-12 && fabs(p[1] - shares[1]) < 1e-12, "the inverse with scales");

  int64_t first[2], again[2];
  expect(noisemax_sample(normal, logits, 2, 3, 7, 0, 1, first, message, sizeof message) == NOISEMAX_OK, message);
  expect(noisemax_sample(normal, logits + 3, 1, 3, 7, 1, 1, again, message, sizeof message) == NOISEMAX_OK, message);
  expect(first[1] == again[0] && first[0] >= 0 && first[0] < 2, "draws");

  noisemax_lock();
  noisemax_unlock();
  noisemax_destroy(normal);
  noisemax_destroy(gumbel);
  noisemax_destroy(NULL);
  if (failures == 0) puts("all is so");
  return failures;
}
