"""Classes with scales of their own, common factors, the k largest, orderings and the inverse: noisemax beside winning.

    python Sources/Benchmarks/Peers/ranks.py          sizes 10, 100 and 1000
    python Sources/Benchmarks/Peers/ranks.py 10 30    these

Both are called from Python on the same row of normal noise, in turns, in one process and on one thread: the best of many calls
counts. The error is the largest difference from a sum on a grid so fine that it has some 14 digits; of the inverse, how far the
probabilities of what it finds are from those that were given. Where winning is not there the table has noisemax alone.
"""

import itertools
import sys
import time

import noisemax
import numpy as np

try:
    import winning
    from scipy.special import log_ndtr
except ImportError as reason:
    winning, log_ndtr = None, None
    print(f"not measured: {reason}", file=sys.stderr)


def grid(x, s, fineness=0.05):
    """The density and log F of every class at nodes: the trapezoid rule, which for normal noise loses nothing."""
    step = fineness * s.min()
    nodes = np.arange((x - 9 * s).max(), (x + 9 * s).max(), step)
    z = (nodes - x[:, None]) / s[:, None]
    return step * np.exp(-z * z / 2) / (s[:, None] * np.sqrt(2 * np.pi)), log_ndtr(z), log_ndtr(-z)


def winners(x, s):
    density, below, _ = grid(x, s)
    return (density * np.exp(below.sum(0) - below)).sum(1)


def two_largest(x, s):
    density, below, above = grid(x, s)
    # All others are below, or all but one.
    all_below, ratio = below.sum(0) - below, np.exp(above - below)
    return (density * np.exp(all_below) * (1 + ratio.sum(0) - ratio)).sum(1)


def first_three(x, s):
    """The probability that 0, 1 and 2 come first, in this order: sums up to every node, whose error falls with its square."""

    def up_to_nodes(fineness):
        density, below, _ = grid(x, s, fineness)
        value = density[2] * np.exp(below[3:].sum(0))
        for index in (1, 0):
            # Up to a node half of its own share is below.
            value = density[index] * (np.cumsum(value) - value / 2)
        return value.sum()

    coarse, fine = up_to_nodes(0.04), up_to_nodes(0.02)
    return np.array([fine + (fine - coarse) / 3])


def with_factors(x, s, factors):
    """The mean over standard normal z of the winners at x + factors z, by the trapezoid rule, too."""
    # As fine as two classes pass each other.
    steps = [0.5 * s.min() / np.ptp(column) for column in factors.T]
    axes = [step * np.arange(-int(7.5 / step), int(7.5 / step) + 1) for step in steps]
    total = np.zeros(len(x))
    for z in itertools.product(*axes):
        square = np.dot(z, z)
        if square < 56:
            total += np.exp(-square / 2) * winners(x + factors @ np.array(z), s)
    return total * np.prod(steps) / (2 * np.pi) ** (len(steps) / 2)


def tasks(size):
    """What is measured: its name, both ways to compute it, and how far a result of either is from the truth."""
    generator = np.random.default_rng(size)
    x, s = generator.normal(0, 1.5, size), generator.uniform(0.5, 2, size)
    ones = np.ones(size)
    p = noisemax.probabilities(x, "normal")

    def beside(truth):
        exact = truth(x, s) if log_ndtr else None
        return lambda result: np.abs(np.asarray(result) - exact).max() if log_ndtr else np.nan

    yield (
        "own scales",
        lambda: noisemax.probabilities(x, "normal", s),
        # In a race the lowest number wins, and the width is a variance.
        lambda: winning.race_probabilities(-x, D=s * s),
        beside(winners),
    )
    yield (
        "2 largest, own scales",
        lambda: noisemax.top_k_probabilities(x, 2, "normal", s),
        lambda: winning.top_k_probabilities(-x, 2, D=s * s),
        beside(two_largest),
    )
    if size <= 20:
        # Winning gives all orders of three at once, of which this is one.
        yield (
            "first three, own scales",
            lambda: np.exp(noisemax.ranking_log_probability(x, [0, 1, 2], "normal", s)),
            lambda: winning.ordered_probabilities(-x, 3, D=s * s)[0, 1, 2],
            beside(first_three),
        )
    for rank in (1, 2):
        # With more, winning takes minutes.
        if size * rank**2 > 100:
            continue
        factors = generator.normal(0, 0.5, (size, rank))
        yield (
            f"{rank} factor{'s' * (rank > 1)}, own scales",
            lambda factors=factors: noisemax.probabilities(x, "normal", s, factors=factors),
            lambda factors=factors: winning.race_probabilities(-x, V=factors, D=s * s),
            beside(lambda x, s, factors=factors: with_factors(x, s, factors)),
        )
    yield (
        "inverse, one scale",
        lambda: noisemax.logits(p, "normal"),
        lambda: -winning.calibrate_abilities(p, D=ones),
        lambda result: np.abs(noisemax.probabilities(result, "normal") - p).max(),
    )


def best_times(ways, seconds):
    """The least time of a call of each, in microseconds, taken in turns."""
    best = [np.inf] * len(ways)
    end = time.perf_counter() + seconds
    while True:
        for index, way in enumerate(ways):
            start = time.perf_counter()
            way()
            best[index] = min(best[index], time.perf_counter() - start)
        if time.perf_counter() > end:
            return [1e6 * value for value in best]


def main(sizes, seconds=1.0):
    print(f"| normal noise | classes | noisemax | error | {'winning | error | times as fast |' if winning else ''}")
    print("|---" * (7 if winning else 4) + "|")
    for size in sizes:
        for name, ours, theirs, error in tasks(size):
            ways = [ours, theirs] if winning else [ours]
            results = [way() for way in ways]
            times = best_times(ways, seconds)
            cells = [f"{value:.0f} µs | {error(result):.0e}" for value, result in zip(times, results, strict=True)]
            if winning:
                cells.append(f"{times[1] / times[0]:.0f}")
            print(f"| {name} | {size} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10, 100, 1000])
