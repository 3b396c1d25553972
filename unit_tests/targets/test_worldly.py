"""Names that mean the same to everybody bring no questions, but where somebody of the user's has one."""

import pytest
from studying import run

from langchain_selfparam.targets import prompts, worldly


@pytest.mark.parametrize("name", ["Spain", "London", "Italian", "TV", "GP", "BBC", "New York", "Excel", "Christmas",
                                  "U.S.", "Islam", "São Paulo", "Volvo", "Calgary", "Lübeck",
                                  "Leonard Cohen"])  # fmt: skip
def test_worldly(name):
    assert worldly.is_worldly(name)


@pytest.mark.parametrize(
    "name",
    [
        "Biscuit",
        "Ana Lima",
        "London Road",
        "Chad",
        "Florence",
        "Wexcombe",
        "Jordan",
        "Dr Ames",
        "Leonard",
        "Mercedes",
        "Adelaide",
    ],
)
def test_not_worldly(name):
    assert not worldly.is_worldly(name)


def test_each_name_is_there_once_and_in_small_letters():
    assert all(name == name.lower() for name in worldly.WORLDLY | worldly.PAIRS)
    assert all(" and " in name for name in worldly.PAIRS)


@pytest.mark.parametrize(
    ("said", "asked", "not_asked"),
    [
        (["We flew to Spain with Ysolde."], ["Ysolde"], ["Spain"]),
        (["I watch the BBC on TV with Ysolde."], ["Ysolde"], ["BBC", "TV"]),
        (["We got a dog.", "My dog London bit Ysolde."], ["London", "Ysolde"], []),
        (["I saw London bite Ysolde.", "My dog is called London."], ["London", "Ysolde"], []),
    ],
)
def test_what_is_asked_by_name(said, asked, not_asked):
    found = run(*said)
    prompted = {s.prompt for s in found.sentences} | {p.prompt for p in found.probes}
    assert all(prompted.intersection(prompts.mentions(name)) for name in asked)
    assert not any(prompted.intersection(prompts.mentions(name)) for name in not_asked)
