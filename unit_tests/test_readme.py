"""The README and the changelog say what the package does: help, quickstart names, versions."""

import ast
import re
from pathlib import Path

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.cli.main import parser
from langchain_selfparam.cli.recommend import DEFAULTS
from langchain_selfparam.config import TargetConfig
from langchain_selfparam.targets.bank import QUESTIONS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def block(text: str) -> str:
    return f"<!-- help -->\n```console\n$ selfparam --help\n{text}```\n<!-- /help -->"


def test_the_help_block_is_what_the_command_prints(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    wanted = block(parser().format_help())
    found = re.search(r"<!-- help -->.*<!-- /help -->", README, re.DOTALL)[0]
    assert found == wanted, f"put this into README.md:\n{wanted}"


def test_python_in_the_readme_is_valid_and_uses_what_is_there():
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert programs
    names = {"memory": ParametricMemory, "llm": ChatSelfParam}
    for program in programs:
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                assert hasattr(names[node.value.id], node.attr), ast.unparse(node)


def test_fields_in_the_readme_have_these_defaults():
    table = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+?) \|", README, re.MULTILINE)
    assert len(table) >= 8
    for fields, defaults in table:
        names = re.findall(r"`(\w+)`", fields)
        values = re.findall(r"`([^`]+)`", defaults)
        for name, value in zip(names, values, strict=len(values) == len(names)):
            assert ParametricMemory.model_fields[name].default == ast.literal_eval(value), name


def test_the_method_tells_of_replies_with_the_settings_that_they_have():
    text = (ROOT / "docs" / "method.md").read_text("utf-8").split("\n## Replies\n")[1].split("\n## ")[0]
    config = TargetConfig(form="replies")
    assert f'the default is `"{TargetConfig().form}"`' in text
    assert f"`targets.reply_share`, {config.reply_share};" in text
    own = dict(change.split("=") for change in DEFAULTS)
    assert f"`selfparam eval recommend` has {own['targets.reply_share']}:" in text
    assert float(own["verify.hold"]) == 0
    assert "`verify.hold` is 0:" in text


def anchors(text: str) -> set[str]:
    """Names of a page's headings, as a link ends in them."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", ["README.md", "docs/method.md", "docs/measurements.md"])
def test_what_a_page_links_to_is_there(page):
    here = ROOT / page
    assert "@@" not in here.read_text("utf-8")  # where a figure is still to be put
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", here.read_text("utf-8"))
    assert links
    for file, anchor in links:
        there = (here.parent / file) if file else here
        assert there.is_file(), f"{page} links to {file}"
        assert not anchor or anchor in anchors(there.read_text("utf-8")), f"{page} links to {file}#{anchor}"


def test_the_readme_links_to_an_example():
    assert "](examples/classic_chain.py)" in README


def test_the_changelog_has_this_version_or_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "Keep a Changelog" in text
    assert "## [Unreleased]" in text


def test_the_readme_counts_the_bank_as_it_is():
    assert f"a bank of {len(QUESTIONS)} questions" in README
