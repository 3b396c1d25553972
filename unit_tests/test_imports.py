"""The public door: what it shows, and that opening the package loads nothing heavy."""

import subprocess
import sys

import pytest

import langchain_selfparam
from langchain_selfparam import errors, records

EXPECTED_ALL = [
    "BatchReport",
    "ChatSelfParam",
    "ConsolidationReport",
    "ParametricMemory",
    "SelfParamError",
    "Settings",
    "Turn",
    "TurnState",
    "Version",
    "__version__",
]


def test_all_is_what_was_promised():
    assert sorted(langchain_selfparam.__all__) == sorted(EXPECTED_ALL)


@pytest.mark.parametrize("name", EXPECTED_ALL)
def test_every_name_can_be_had(name):
    assert getattr(langchain_selfparam, name) is not None
    assert name in dir(langchain_selfparam)


def test_names_are_the_same_objects_as_at_home():
    assert langchain_selfparam.Turn is records.Turn
    assert langchain_selfparam.SelfParamError is errors.SelfParamError


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'langchain_selfparam' has no attribute 'Nothing'"):
        langchain_selfparam.Nothing  # noqa: B018


def test_version_is_a_string():
    assert langchain_selfparam.__version__.count(".") >= 1


def test_importing_the_package_loads_nothing_heavy():
    heavy = (
        "torch",
        "transformers",
        "langchain_core",
        "langchain",
        "langchain_classic",
        "peft",
        "sqlalchemy",
    )
    code = (
        "import sys, langchain_selfparam\n"
        "dir(langchain_selfparam); langchain_selfparam.Turn; langchain_selfparam.SelfParamError\n"
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_journal_needs_no_model():
    """Whoever only says something, or reads what was said, waits for no framework to load."""
    code = "import sys, langchain_selfparam.engine.journal; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
