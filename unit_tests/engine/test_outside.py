"""A generator that somebody else runs: it writes as before, and what it fails with is told of as its own."""

import pytest

from langchain_selfparam.engine.outside import Outside
from langchain_selfparam.errors import AuthorError, StoppedError


class Author:
    def __init__(self, error=None):
        self.error, self.asked = error, []

    def generate(self, prompts, **options):
        self.asked.append((prompts, options))
        if self.error is not None:
            raise self.error
        return [["yes"] * options["samples"] for _ in prompts]


def test_it_writes_what_the_other_writes():
    author = Author()
    options = {"max_tokens": 5, "temperature": 0.5, "stop": ("x",), "seed": 3, "samples": 2}
    assert Outside(author).generate(["a", "b"], **options) == [["yes", "yes"]] * 2
    assert author.asked == [(["a", "b"], options)]


@pytest.mark.parametrize("error", [ValueError("429: too many requests"), ConnectionError("refused")])
def test_what_it_fails_with_is_no_fault_of_the_turns(error):
    said = f"the generator that writes the questions failed with {type(error).__name__}: {error}; the turns are pending"
    with pytest.raises(AuthorError) as caught:
        Outside(Author(error)).generate(["a"], max_tokens=5)
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("no attempt was counted: see to it, and consolidate again")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [StoppedError("enough"), KeyboardInterrupt()])
def test_a_stop_is_a_stop(error):
    with pytest.raises(type(error)):
        Outside(Author(error)).generate(["a"], max_tokens=5)
