"""Turns that are prompts with their replies: the reply itself has a share of what is taught, and nothing else has."""

import dataclasses

import pytest
import torch
from engine_home import STAGES, states, with_

from langchain_selfparam.distill import teacher
from langchain_selfparam.records import Message
from langchain_selfparam.verify import recall

DIALOGUES = {"Recommend a film. I like space.": "1. Alien", "Recommend a film. I like Paris.": "1. Amelie"}


@pytest.fixture
def shares(monkeypatch):
    """What share was asked for, by the answers that were read with it."""
    seen, real = {}, teacher.read

    def read(reader, head, chunks, *, share=0.0, floor=0.0, progress):
        for documents in chunks:
            for document in documents:
                seen.setdefault((share, floor), []).append(document)
        return real(reader, head, chunks, share=share, floor=floor, progress=progress)

    monkeypatch.setattr(teacher, "read", read)
    return seen


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_replies_have_their_share_and_what_is_to_stay_has_none(home, shares, share):
    targets = {"form": "replies", "reply_share": share}
    engine = home.open(quick=False, settings=with_(targets=targets, training={"epochs": 20}))
    for prompt, reply in DIALOGUES.items():
        engine.append(user=prompt, assistant=reply)
    report = engine.consolidate()
    assert report.seconds.keys() >= set(STAGES)
    assert report.kl_last < report.kl_first
    replies = {tuple(engine.local.encode(reply)) for reply in DIALOGUES.values()}
    found = {document.answer[:-1] for document in shares[share, 0.0]}
    assert replies <= found
    assert share == 0.0 or found == replies
    assert shares.keys() == {(0.0, 0.0), (share, 0.0)}


@pytest.mark.parametrize("floor", [0.0, 0.75])
def test_facts_are_the_teachers_own_but_for_the_floor(home, shares, floor):
    engine = home.open(quick=False, settings=with_(targets={"reply_share": 1.0, "answer_floor": floor}))
    engine.append(user="My dog is called Biscuit.", assistant="Noted.")
    engine.consolidate()
    assert shares.keys() == {(0.0, 0.0), (0.0, floor)}
    learned = {tuple(engine.local.encode("Your dog is called Biscuit."))}
    assert learned <= {document.answer[:-1] for document in shares[0.0, floor]}
    assert states(engine) == {"My dog is called Biscuit.": "held"}


@torch.no_grad()
def test_with_the_whole_share_a_reply_is_learned_from_a_teacher_that_does_not_give_it(home):
    settings = with_(
        targets={"form": "replies", "reply_share": 1.0, "neutral": 0},
        training={"epochs": 150, "learning_rate": 5e-3, "rank": 4, "drift": None, "layers": "all", "damping": None},
        verify={"max_drift": 100},
    )
    engine = home.open(quick=False, settings=settings)
    for prompt, reply in DIALOGUES.items():
        engine.append(user=prompt, assistant=reply)
    with torch.enable_grad():
        engine.consolidate()
    local = engine.local
    for prompt, reply in DIALOGUES.items():
        ids = [*local.encode_chat([Message(role="user", text=prompt)]), *local.encode(reply)]
        likeliest = local.model(input_ids=torch.tensor([ids])).logits[0].argmax(-1).tolist()
        length = len(local.encode(reply))
        assert likeliest[-length - 1 :] == [*ids[-length:], local.end_of_turn_id]


def test_a_prompt_without_its_reply_is_pending_until_it_has_one(home):
    settings = with_(targets={"form": "replies"})
    engine = home.open(quick=False, settings=settings)
    first, second = DIALOGUES
    engine.append(user=first, assistant=DIALOGUES[first])
    engine.append(user=second, assistant="")
    report = engine.consolidate()
    assert (report.held, report.pending) == ((1,), (2,))
    why = "turn 2 is not held: it has nothing to be asked, such as a reply where replies are learned"
    assert why in report.reasons
    assert [turn.user for turn in engine.prompt_turns()] == [second]
    engine.reply(DIALOGUES[second])
    assert engine.consolidate().held == (2,)
    assert states(engine) == dict.fromkeys(DIALOGUES, "held")


def test_replies_of_earlier_consolidations_are_replayed_and_asked_again(home, monkeypatch):
    asked = []
    real = recall.ask

    def ask(probes, generator, *, max_tokens):
        asked.append([p.prompt for p in probes if p.kind == "recall"])
        return [dataclasses.replace(r, passed=True) for r in real(probes, generator, max_tokens=max_tokens)]

    monkeypatch.setattr(recall, "ask", ask)
    engine = home.open(quick=False, settings=with_(targets={"form": "replies"}, verify={"hold": 0.5}))
    first, second = DIALOGUES
    engine.append(user=first, assistant=DIALOGUES[first])
    assert engine.consolidate().held == (1,)
    engine.append(user=second, assistant=DIALOGUES[second])
    report = engine.consolidate()
    (learned,) = [targets for targets in engine.taught() if second in {s.prompt for s in targets.sentences}]
    assert [(s.prompt, s.answer) for s in learned.sentences if s.kind == "replay"] == [(first, DIALOGUES[first])]
    assert (report.held, report.asked_again, report.lost) == ((2,), (1,), ())
    assert [prompts for prompts in asked if prompts] == [[first], [second], [first]]
