"""Replay takes each turn's questions evenly, and never one that is answered anew."""

import dataclasses
from collections import Counter

import pytest

from langchain_selfparam.records import Message, Statement, TargetSentence, TargetSet
from langchain_selfparam.targets.prompts import reading
from langchain_selfparam.targets.replay import replayed

CONTEXT = (Message(role="user", text="?"),)


def taught(**questions):
    """A target set: turn to its questions; ``t3=["a", "b"]`` is turn 3."""
    sentences = [
        TargetSentence(
            kind="question",
            prompt=q,
            answer=f"{q} of {turn}",
            context=(Message(role="user", text="?"),),
            turn_id=int(turn[1:]),
        )
        for turn, prompts in questions.items()
        for q in prompts
    ]
    sentences.append(TargetSentence(kind="neutral", prompt="What is gravity?", answer="A force."))
    return TargetSet(statements=(), sentences=tuple(sentences), probes=())


EARLIER = [taught(t1=["a", "b", "c"], t2=[f"q{i}" for i in range(20)]), taught(t5=["x", "y"])]


def chosen(count=100, *, earlier=EARLIER, without=(), turns=(), seed=0):
    return replayed(earlier, without=set(without), turns=set(turns), count=count, seed=seed)


def test_all_where_there_are_few():
    found = chosen()
    assert {s.prompt for s in found} == {"a", "b", "c", "x", "y", *(f"q{i}" for i in range(20))}
    assert {(s.kind, s.context, s.turn_id) for s in found} == {("replay", (), None)}
    assert {s.prompt: s.answer for s in found}["x"] == "x of t5"


@pytest.mark.parametrize("count", [0, 1, 3, 6, 9])
def test_turns_share_the_number_evenly(count):
    found = chosen(count)
    assert len(found) == count
    owners = Counter(s.answer.split()[-1] for s in found)
    if count >= 3:
        assert min(owners.values()) >= min(2, count // 3)
        assert len(owners) == 3


def test_what_is_learned_or_asked_now_is_left_out():
    found = {s.prompt for s in chosen(without=["a", "x"], turns=[2])}
    assert found == {"b", "c", "y"}


def test_the_later_answer_to_a_question_counts():
    earlier = [taught(t1=["when?", "who?"]), taught(t4=["when?"])]
    assert {s.prompt: s.answer for s in chosen(earlier=earlier)} == {"who?": "who? of t1", "when?": "when? of t4"}
    # A turn that is learned again now takes its questions with it.
    assert [s.prompt for s in chosen(earlier=earlier, turns=[4])] == ["who?"]
    again = [taught(t1=["when?"]), taught(t1=["where?"])]
    assert {s.prompt for s in chosen(earlier=again)} == {"when?", "where?"}


def test_a_seed_repeats_and_another_differs():
    assert chosen(5) == chosen(5)
    assert chosen(5) != chosen(5, seed=1)


def test_nothing_before_is_nothing_to_replay():
    assert chosen(earlier=[]) == []


def test_a_whole_answer_of_each_turn_comes_first():
    earlier = [
        TargetSet(
            statements=(),
            sentences=tuple(
                TargetSentence(kind="question", prompt=f"{turn} {n}?", answer="a", ends=n == 3, turn_id=turn)
                for turn in (1, 2, 3)
                for n in range(6)
            ),
            probes=(),
            dropped={},
        )
    ]
    found = replayed(earlier, without=(), turns=(), count=3, seed=5)
    assert sorted(s.prompt for s in found) == ["1 3?", "2 3?", "3 3?"]
    assert len(replayed(earlier, without=(), turns=(), count=99, seed=5)) == 18


def about(turn, told, *questions, opening, instead=""):
    """What is learned of one statement: its first question with the whole answer, the others with its opening."""
    sentences = [
        TargetSentence(
            kind="question",
            prompt=question,
            answer=told if question == questions[0] else opening,
            ends=question == questions[0],
            context=reading(told),
            turn_id=turn,
        )
        for question in questions
    ]
    return TargetSet(
        statements=(Statement(turn_id=turn, said=told, told=told, instead=instead),),
        sentences=tuple(sentences),
        probes=(),
    )


def test_what_is_so_again_is_replayed_and_what_was_so_in_between_is_not():
    monday, thursday = "Your lesson is on Monday.", "Your lesson is on Thursday."
    sets = [
        about(1, monday, "a1", "a2", opening="Your lesson"),
        about(5, thursday, "b1", "b2", opening="Your lesson", instead=monday),
    ]
    assert {s.prompt for s in chosen(earlier=sets)} == {"b1", "b2"}
    sets.append(about(9, monday, "c1", "c2", opening="Your lesson", instead=thursday))
    assert {s.prompt for s in chosen(earlier=sets)} == {"c1", "c2"}


def test_another_statement_that_begins_alike_is_replayed():
    sets = [
        about(1, "You go to the gym on Monday.", "a1", "a2", opening="You go to the"),
        about(2, "You go to the cinema with Ben.", "b1", "b2", opening="You go to the"),
        about(
            5,
            "You go to the gym on Friday.",
            "c1",
            "c2",
            opening="You go to the",
            instead="You go to the gym on Monday.",
        ),
    ]
    assert {s.prompt for s in chosen(earlier=sets)} == {"b1", "b2", "c1", "c2"}


def test_what_has_been_amended_is_replayed_no_more():
    """Neither the whole answer nor its opening; that it says something else in another turn is no reason."""
    first = taught(t1=["a", "b"], t2=["c"])
    opening = dataclasses.replace(first.sentences[0], prompt="d", answer="a of", ends=False, context=reading("a of t1"))
    first = dataclasses.replace(first, sentences=(*first.sentences, opening))
    now = Statement(turn_id=7, said="", told="a is 7", instead="a of t1")
    assert {s.prompt for s in replayed([first], without=(), turns=(), count=9, seed=0)} == {"a", "b", "c", "d"}
    assert {s.prompt for s in replayed([first], without=(), turns=(), count=9, seed=0, amended=[now])} == {"b", "c"}
    later = dataclasses.replace(taught(t7=["e"]), statements=(now,))
    assert {s.prompt for s in replayed([first, later], without=(), turns=(), count=9, seed=0)} == {"b", "c", "e"}
    own = dataclasses.replace(now, turn_id=1)
    assert {s.prompt for s in replayed([first], without=(), turns=(), count=9, seed=0, amended=[own])} >= {"a", "d"}


def test_what_may_have_changed_is_replayed_no_more_once_a_question_has_moved():
    """Only the old value: what else the earlier turn said is held on to."""
    old, new = "I paint the hall on Monday or so.", "The hall is painted by Jo now, who comes on Friday."
    said = [Statement(turn_id=turn, said=text, told=text) for turn, text in ((1, old), (7, new))]
    sentences = [
        TargetSentence(kind="question", prompt=prompt, answer=answer, turn_id=1)
        for prompt, answer in (("a", old), ("b", "I paint the hall on Monday"), ("c", "I paint the hall"))
    ]
    first = TargetSet(statements=(said[0],), sentences=tuple(sentences), probes=())

    def prompts(without, *earlier, now=()):
        return {s.prompt for s in replayed([first, *earlier], without=without, turns=(), count=9, seed=0, amended=now)}

    assert prompts({"a"}, now=[said[1]]) == {"c"}
    assert prompts({"z"}, now=[said[1]]) == {"a", "b", "c"}  # nothing has moved
    aside = dataclasses.replace(said[1], said="The hall is cold on Friday.")
    assert prompts({"a"}, now=[aside]) == {"b", "c"}  # nothing says that anything has changed
    moved = TargetSentence(kind="question", prompt="a", answer=new, turn_id=7)
    later = TargetSet(statements=(said[1],), sentences=(moved,), probes=())
    assert prompts(set(), later) == {"a", "c"}
    found = replayed([first, later], without=(), turns=(), count=9, seed=0)
    assert {s.prompt: s.answer for s in found}["a"] == new


OVER = {
    "it is no more": ("The concert is on 3 May.", "The concert was cancelled.", set()),
    "nobody is": ("I am a vegetarian.", "I'm not a vegetarian any more.", set()),
    "a name": ("My sister lives in Leith.", "My sister had an offer, so she moved to Dundee.", {"opening"}),
    "one sentence": ("I like tea. I am a vegetarian.", "I'm not a vegetarian any more.", {"opening"}),
    "something else of the same": ("My dog sleeps in a suitcase.", "My dog limps now.", {"whole", "opening"}),
}


@pytest.mark.parametrize(("old", "new", "left"), OVER.values(), ids=OVER)
def test_what_is_over_is_replayed_no_more_once_a_question_has_moved(old, new, left):
    """Not only the question that has moved: what else leads to the old statement does so as well."""
    said = [Statement(turn_id=turn, said=text, told=text) for turn, text in ((1, old), (7, new))]
    sentences = [
        TargetSentence(kind="question", prompt=prompt, answer=answer, turn_id=1)
        for prompt, answer in (("moved", old), ("whole", old), ("opening", " ".join(old.split()[:2])))
    ]
    first = TargetSet(statements=(said[0],), sentences=tuple(sentences), probes=())
    found = replayed([first], without={"moved"}, turns=(), count=9, seed=0, amended=[said[1]])
    assert {s.prompt for s in found} == left
    found = replayed([first], without={"else"}, turns=(), count=9, seed=0, amended=[said[1]])
    assert {s.prompt for s in found} == {"moved", "whole", "opening"}
