"""The comparison with winning: with it, or without it."""

import importlib.util

import pytest

from conftest import REPOSITORY

FILE = REPOSITORY / "Sources" / "Benchmarks" / "Peers" / "ranks.py"


@pytest.fixture
def ranks():
    spec = importlib.util.spec_from_file_location("ranks_of_peers", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("is_there", [True, False])
def test_the_table(is_there, ranks, capsys):
    if not is_there:
        ranks.winning = ranks.log_ndtr = None
    elif ranks.winning is None:
        pytest.skip("winning is not there")
    ranks.main([5], seconds=0)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[2:]] == [
        "own scales", "2 largest, own scales", "first three, own scales", "1 factor, own scales", "2 factors, own scales",
        "inverse, one scale"
    ]  # fmt: skip
    for line in lines[2:]:
        assert len(line) == len(lines[0]) == (7 if is_there else 4), line
        # Without the oracle only the inverse has an error.
        assert not is_there or float(line[3]) < 1e-12, line
