"""The examples of the package's page run."""

import importlib.util
import re

import pytest

from conftest import REPOSITORY

PAGE = (REPOSITORY / "Sources" / "Python" / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


def test_there_is_one_for_each_front_end():
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES, ids=["numpy", "torch", "jax"])
def test_the_example_runs(example):
    for package in ("torch", "jax"):
        if f"import {package}\n" in example and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not there")
    exec(compile(example, "README.md", "exec"), {})
