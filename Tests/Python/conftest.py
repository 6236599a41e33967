"""What the tests share: rows with 25 digits of everything about them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import noisemax

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Case:
    """A row of logits under one law, with references."""

    noise: str
    logits: np.ndarray
    probabilities: np.ndarray
    log_probabilities: np.ndarray
    expected_maximum: float
    cotangent: np.ndarray
    pullback: np.ndarray

    def check(self, what: str, values, reference, relatively: float, absolutely: float = 1e-300) -> None:
        values, reference = np.asarray(values, np.float64), np.asarray(reference)
        assert values.shape == reference.shape, f"{what} of {self}"
        with np.errstate(invalid="ignore"):
            error = np.abs(values - reference) - absolutely - relatively * np.abs(reference)
        assert np.all((values == reference) | (error <= 0)), f"{what} of {self}: {values}, not {reference}"


@dataclass
class Ranks:
    """A row of classes with scales, None where all are 1, and what is known about its largest classes."""

    noise: str
    logits: np.ndarray
    scales: np.ndarray | None
    cotangent: np.ndarray
    probabilities: np.ndarray
    logit_pullback: np.ndarray
    scale_pullback: np.ndarray
    largest: dict[int, np.ndarray]
    # Two classes, and the probability that they come first, in this order.
    pairs: list[tuple[list[int], float]]

    check = Case.check


def _numbers(decimals) -> np.ndarray:
    return np.array([float(decimal) for decimal in decimals])


def _read() -> dict[str, list[Case]]:
    cases: dict[str, list[Case]] = {}
    file = REPOSITORY / "Tests" / "NoisemaxTests" / "Fixtures" / "argmax-cases.jsonl"
    for line in file.read_text().splitlines():
        row = json.loads(line)
        case = Case(
            row["noise"],
            np.array(row["logits"], np.float64),
            _numbers(row["probabilities"]),
            _numbers(row["logProbabilities"]),
            float(row["expectedMaximum"]),
            np.array(row["cotangent"], np.float64),
            _numbers(row["pullback"]),
        )
        cases.setdefault(case.noise, []).append(case)
    return cases


def _read_ranks() -> list[Ranks]:
    file = REPOSITORY / "Tests" / "NoisemaxTests" / "Fixtures" / "transform-cases.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        Ranks(
            row["noise"],
            np.array(row["logits"], np.float64),
            np.array(row["scales"], np.float64) if "scales" in row else None,
            np.array(row["cotangent"], np.float64),
            _numbers(row["probabilities"]),
            _numbers(row["logitPullback"]),
            _numbers(row["scalePullback"]),
            {2: _numbers(row["topTwo"]), 3: _numbers(row["topThree"])},
            # One of the values is more than the first class's own probability, by 5e-7: that bounds what it can be.
            [
                ([first, second], min(float(p), float(row["probabilities"][first])))
                for first, second, p in row["firstThenSecond"]
            ],
        )
        for row in rows
    ]


_cases = _read()
LAWS = noisemax.laws()


@pytest.fixture(params=LAWS)
def law(request) -> str:
    return request.param


@pytest.fixture
def cases(law: str) -> list[Case]:
    """The cases of a law: there are some."""
    assert len(_cases[law]) >= 20
    return _cases[law]


@pytest.fixture
def ranks() -> list[Ranks]:
    """Rows of classes with scales, and without."""
    found = _read_ranks()
    assert {case.scales is None for case in found} == {True, False} and len(found) >= 20
    return found


@pytest.fixture
def rows() -> np.ndarray:
    """Seven rows of six, with masks and far tails among them."""
    x = np.random.default_rng(1).normal(0, 3, (7, 6))
    x[1, 2], x[2, 0], x[3, 4] = -np.inf, -60, 40
    return x
