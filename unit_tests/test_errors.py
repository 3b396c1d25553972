"""The error tree: as drawn at the top of the module, with standard parents, and fit to cross processes."""

import inspect
import pickle
import re

import pytest

from langchain_selfparam import errors
from langchain_selfparam.errors import SelfParamError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
PARENTS = {
    "ConfigError": ("SelfParamError", ValueError),
    "UnsupportedModelError": ("SelfParamError", ValueError),
    "UnreadableModelError": ("SelfParamError", ValueError),
    "InputError": ("SelfParamError", ValueError),
    "FolderError": ("SelfParamError", RuntimeError),
    "FolderLockedError": ("FolderError", RuntimeError),
    "WrongModelError": ("FolderError", RuntimeError),
    "SchemaVersionError": ("FolderError", RuntimeError),
    "DamagedLedgerError": ("FolderError", RuntimeError),
    "UnknownVersionError": ("SelfParamError", LookupError),
    "UnknownTurnError": ("SelfParamError", LookupError),
    "ConsolidationError": ("SelfParamError", RuntimeError),
    "NonFiniteLossError": ("ConsolidationError", RuntimeError),
    "OutOfMemoryError": ("ConsolidationError", RuntimeError),
    "NoTargetsError": ("ConsolidationError", RuntimeError),
    "NothingSaidError": ("NoTargetsError", RuntimeError),
    "StoppedError": ("ConsolidationError", RuntimeError),
    "CrowdedError": ("StoppedError", RuntimeError),
    "AuthorError": ("ConsolidationError", RuntimeError),
    "ClosedError": ("SelfParamError", RuntimeError),
}


def test_there_are_these_and_no_others():
    assert {kind.__name__ for kind in ALL} == {"SelfParamError", *PARENTS}


@pytest.mark.parametrize("name", PARENTS)
def test_each_has_its_parent_and_a_standard_one(name):
    kind, (parent, standard) = getattr(errors, name), PARENTS[name]
    assert kind.__bases__[0] is getattr(errors, parent)
    assert issubclass(kind, standard)
    assert issubclass(kind, SelfParamError)


@pytest.mark.parametrize("kind", ALL)
def test_each_crosses_a_process_border_with_its_text(kind):
    error = kind("job 7 ended")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.args) == ("job 7 ended", ("job 7 ended",))
    with pytest.raises(kind, match=r"^job 7 ended$"):
        raise again


@pytest.mark.parametrize("kind", ALL)
def test_each_says_in_one_sentence_when_and_what_to_do(kind):
    assert kind.__doc__
    assert kind.__doc__.endswith(".")
    assert "\n" not in kind.__doc__


def test_the_drawing_at_the_top_is_the_tree():
    drawn, path = {}, []
    for line in errors.__doc__.splitlines():
        found = re.match(r"^ {4}((?:│   )*)(?:├── |└── )?(\w+Error)\b(?:\s+\((\w+)\))?", line)
        if found:
            depth = 0 if found[2] == "SelfParamError" else len(found[1]) // 4 + 1
            path = [*path[:depth], found[2]]
            drawn[found[2]] = (path[depth - 1] if depth else None, found[3])
    assert drawn.pop("SelfParamError") == (None, None)
    assert drawn.keys() == PARENTS.keys()
    for name, (parent, standard) in drawn.items():
        assert parent == PARENTS[name][0]
        assert standard in {PARENTS[name][1].__name__, None if parent != "SelfParamError" else ""}
