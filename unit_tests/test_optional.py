"""What only some users need is imported when it is needed, and missed with what to install."""

import json.decoder

import pytest

from langchain_selfparam.optional import require


def test_what_is_there_is_imported():
    assert require("json.decoder", extra="demo") is json.decoder


@pytest.mark.parametrize(("module", "extra"), [("no_such_module_here", "demo"), ("json.no_such_part", "ray")])
def test_what_is_missing_is_named_with_what_to_install(module, extra):
    text = (
        rf"^{module} is needed for this and is not installed: pip install {module.split('.')[0]} "
        rf"\(in a clone of this project pip install '.\[{extra}\]' brings all that goes with it\)$"
    )
    with pytest.raises(ImportError, match=text) as caught:
        require(module, extra=extra)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_package_that_is_there_and_broken_says_so_below(tmp_path, monkeypatch):
    (tmp_path / "broken_on_import.py").write_text("from json import nothing_of_the_kind\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="broken_on_import is needed for this") as caught:
        require("broken_on_import", extra="demo")
    assert "nothing_of_the_kind" in str(caught.value.__cause__)


def test_other_errors_are_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "raises_on_import.py").write_text("raise ValueError('at import')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"^at import$"):
        require("raises_on_import", extra="demo")
