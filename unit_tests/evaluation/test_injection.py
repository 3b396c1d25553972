"""One conversation: what is asked when, and where the answers go."""

from langchain_selfparam.evaluation.injection import single
from langchain_selfparam.records import Message


class World:
    """A model that knows the facts once it has learned them."""

    def __init__(self, report):
        self.report, self.learned, self.said, self.asked = report, False, 0, []

    def ask(self, prompts, progress):
        self.asked.append([tuple(p) for p in prompts])
        progress(len(prompts), len(prompts))
        told = self.learned or any("Biscuit" in p[0].text for p in prompts)
        return [f"{'biscuit' if told else 'no idea'} {i}" for i, _ in enumerate(prompts)]

    def say(self):
        self.said += 1

    def consolidate(self):
        assert self.said == 1
        self.learned = True
        return self.report


def test_asks_in_four_ways_and_the_neighbours_twice(conversation, report):
    world, seen = World(report), []
    result = single(
        conversation,
        ask=world.ask,
        say=world.say,
        consolidate=world.consolidate,
        progress=lambda *step: seen.append(step),
    )
    assert [len(prompts) for prompts in world.asked] == [2, 1, 2, 2, 2, 1]
    assert world.asked[0][0] == (Message(role="user", text="What is my dog called?"),)
    assert world.asked[2][1] == (*conversation.messages, Message(role="user", text="When is it?"))
    quoted = 'Earlier I told you: "My dog is called Biscuit." What is my dog called?'
    assert world.asked[3][0] == (Message(role="user", text=quoted),)
    stages = [stage for stage, _, _ in seen]
    assert list(dict.fromkeys(stages)) == ["ask: nothing", "ask: history", "ask: quoted", "ask: weights"]
    first = result.asked[0]
    assert (first.before, first.history, first.quoted, first.after) == (
        "no idea 0",
        "biscuit 0",
        "biscuit 0",
        "biscuit 0",
    )
    assert result.neighbours[0].before == "no idea 0"
    assert result.neighbours[0].after == "biscuit 0"
    assert result.report is report


def test_quoting_can_be_left_out(conversation, report):
    world = World(report)
    result = single(
        conversation,
        ask=world.ask,
        say=world.say,
        consolidate=world.consolidate,
        progress=lambda *_: None,
        quoted=False,
    )
    assert [a.quoted for a in result.asked] == [None, None]
    assert not result.asked[0].is_right("quoted")


def test_shares(result):
    assert result.held("before") == 0.0
    assert result.held("quoted") == 1.0
    assert result.held("after") == 0.5
    assert result.held("after", "recall") == 1.0
    assert result.held("after", "update") == 0.0
    assert result.leaked_before == 0.0
    assert result.leaked_after == 1.0
