"""Threads, forks, memory, and machines without a Swift toolchain: each in a process of its own where it needs one."""

import ctypes
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import noisemax
from noisemax import _library

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def run(program: str, *arguments: str, **environment: str) -> str:
    """What a program of Python prints in a fresh process."""
    outcome = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def test_eight_threads_have_the_same_bits():
    x = np.random.default_rng(0).normal(size=(200, 10))
    calls = [
        lambda: noisemax.probabilities(x[:8]),
        lambda: noisemax.probabilities(x, "laplace"),
        lambda: noisemax.log_probabilities(x[:5], "logistic", 0.5),
        lambda: noisemax.pullback(x, x, "uniform"),
        lambda: noisemax.sample(x, seed=3),
        lambda: noisemax.loss(x, np.zeros(200, int), "normal", 2.0, gradient=True)[1],
    ]
    expected = [call() for call in calls]
    wrong: list[int] = []

    def work():
        for round in range(40):
            index = round % len(calls)
            if not np.array_equal(calls[index](), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bits_do_not_depend_on_the_number_of_threads():
    x = np.random.default_rng(0).normal(size=(3000, 12))
    for law in noisemax.laws():
        one = noisemax.probabilities(x, law, threads=1)
        for threads in (None, 2, 7):
            assert np.array_equal(noisemax.probabilities(x, law, threads=threads), one), (law, threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize("law", ["normal", "reversed-gumbel", "uniform"])
def test_a_fork_while_tables_are_made(law):
    # A child that waited for tables that nobody makes would be stopped by its alarm.
    program = """if True:
        import os, signal, sys, threading
        import numpy as np, noisemax
        law, x = sys.argv[1], np.random.default_rng(0).normal(size=(400, 50))
        started = threading.Event()
        def work():
            started.set()
            noisemax.probabilities(x, law)
        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        children = []
        for _ in range(4):
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                p = noisemax.probabilities(x, law)
                noisemax.pullback(x, x, law), noisemax.log_probabilities(x - 400 * (x < 0), law)
                os._exit(0 if abs(p.sum() - 400) < 1e-9 else 1)
            children.append(child)
        thread.join()
        print(*(os.waitpid(child, 0)[1] for child in children))
    """
    assert run(program, law).split() == ["0"] * 4


def _share(arguments):
    law, x = arguments
    return noisemax.probabilities(x, law)


@pytest.mark.parametrize("way", ["spawn", "fork"] if hasattr(os, "fork") else ["spawn"])
def test_workers(way):
    x = np.random.default_rng(0).normal(size=(500, 20))
    noisemax.probabilities(x)
    with ProcessPoolExecutor(2, mp_context=get_context(way)) as pool:
        for law, result in zip(noisemax.laws(), pool.map(_share, [(law, x) for law in noisemax.laws()])):
            assert np.array_equal(result, noisemax.probabilities(x, law)), law


@linux
def test_calls_leak_no_memory():
    program = """if True:
        import numpy as np, noisemax
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        small, large, half = np.zeros((1, 4)), np.zeros((300, 4)), np.zeros(4, np.float16)
        def work(count):
            for index in range(count):
                noisemax.probabilities(small, "gumbel")
                if index % 4 == 0:
                    noisemax.loss(small, [0], "gumbel", gradient=True)
                    noisemax.probabilities(half, "gumbel")
                if index % 20 == 0:
                    noisemax.probabilities(large, "gumbel")
                    noisemax.probabilities(small, "gumbel", 1 + index / 1000)
                    noisemax.sample(large, "gumbel", seed=index)
                    noisemax.relaxed_sample(small, seed=index)
                    try:
                        noisemax.probabilities(small, "nobody")
                    except ValueError:
                        pass
        work(10_000)
        before = resident()
        work(100_000)
        print(resident() - before)
    """
    assert int(run(program)) < 2_000_000


@linux
def test_no_toolchain_is_needed(tmp_path):
    # Nothing to be found by name, and nothing of Swift loaded but what the package carries.
    program = """if True:
        import numpy
        def loaded():
            with open("/proc/self/maps") as file:
                return {line.rstrip("\\n").split(maxsplit=5)[-1] for line in file if ".so" in line}
        before = loaded()
        import noisemax
        assert abs(noisemax.probabilities([0.0, 0.0], "normal")[0] - 0.5) < 1e-15
        noisemax.probabilities(numpy.zeros((4000, 10)))
        print(*(loaded() - before), sep="\\n")
    """
    files = run(program, PATH=str(tmp_path), LD_LIBRARY_PATH="").splitlines()
    names = sorted(Path(file).name for file in files if not Path(file).name.startswith("_"))
    own = Path(noisemax.__file__).with_name("libNoisemaxC.so")
    assert str(own) in files
    allowed = ("libNoisemaxC.so", "libstdc++.so", "libgcc_s.so", "libm.so", "libc.so", "libffi")
    python = [name for name in names if "cpython" in name]
    assert all(name.startswith(allowed) for name in names if name not in python), names


@linux
def test_the_library_shows_its_own_functions_alone():
    library = ctypes.CDLL(_library.library._name)
    assert library.noisemax_probabilities and library.noisemax_relaxed_pullback_f
    for name in ("swift_retain", "swift_getTypeByMangledName", "_swift_stdlib_operatingSystemVersion"):
        assert not hasattr(library, name), name


@pytest.mark.parametrize("value", ["", "nonsense", "baseline", "avx2", "avx512"])
def test_no_environment_stops_a_process(value):
    program = "import noisemax; print(noisemax.probabilities([0.0, 0.0])[0])"
    assert run(program, NOISEMAX_INSTRUCTION_SET=value).split() == ["0.5"]


def test_errors_survive_pickling():
    with pytest.raises(ValueError) as error:
        noisemax.probabilities([0.0], "nobody")
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
