"""Names that open a sentence, where every word has a capital letter: those that are known, or can only be somebody."""

import dataclasses

import pytest
from studying import of_kind, run

from langchain_selfparam.targets import parse, prompts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Oberon's mother is here.", ["Oberon"]),
        ("Priyasha, who runs it, is here.", ["Priyasha"]),
        ("Nadezhda comes from Tbilisi.", ["Nadezhda", "Tbilisi"]),
        ("Oberon always says so.", ["Oberon"]),
        ("Tom and I went.", ["Tom"]),
        ("Dinner's ready.", []),
        ("Nobody knows.", []),
        ("Today's soup is hot.", []),
        ("Everybody loves it.", []),
        ("Sunday's walk was long.", []),
        ("It's late.", []),
        ("Lucan is late.", []),
    ],
)
def test_a_name_that_opens_a_sentence_is_one_where_only_somebody_can_be_meant(text, found):
    assert parse.names(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("Lucan is late.", ["Lucan"]), ("Smith is late.", ["Smith"]), ("The walk is long.", []), ("May is near.", [])],
)
def test_a_name_that_opens_a_sentence_is_one_that_is_known(text, found):
    known = parse.known_names(["I met Lucan and Will Smith in The Hague.", "We'll go in May."])
    assert known >= {"Lucan", "Smith", "Hague"}
    assert known.isdisjoint({"The", "May", "Will"})
    assert parse.names(text, known) == found
    assert parse.secrets(text, known) == [name.lower() for name in found]


@pytest.mark.parametrize(
    ("said", "names", "denied"),
    [
        ("My sister Anna lives in Cork since June.", {"anna", "cork"}, set()),
        ("We don't eat meat, but I never refuse fish.", set(), {"eat", "refuse"}),
        ("I eat fish, but I don't eat meat on Mondays.", set(), set()),
        ("My vet is Dr. Ames.", {"dr", "ames"}, set()),
    ],
)
def test_probes_know_what_is_a_name_and_what_is_denied(said, names, denied):
    found = of_kind(run(said).probes, "recall")
    assert found
    for probe in found:
        assert ({*probe.names}, {*probe.denied}) == (names, denied)


def test_a_name_of_an_earlier_session_is_one_where_it_opens_a_sentence():
    before = run("I met Lucan in Rome.")
    earlier = dataclasses.replace(
        before,
        statements=tuple(dataclasses.replace(s, turn_id=9) for s in before.statements),
        sentences=tuple(dataclasses.replace(s, turn_id=9) for s in before.sentences),
        probes=(),
    )
    said = "Lucan is late."
    mentions = prompts.mentions("Lucan")
    assert not {s.prompt for s in run(said).sentences}.intersection(mentions)
    found = run(said, taught=[earlier])
    assert {*(s.prompt for s in found.sentences), *(p.prompt for p in found.probes)}.intersection(mentions)
