"""What is asked when, and where the answers go."""

from langchain_selfparam.evaluation.injection import inject
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


def run(world, conversations, seen=None, **options):
    return inject(
        conversations,
        ask=world.ask,
        say=world.say,
        consolidate=world.consolidate,
        progress=lambda *step: None if seen is None else seen.append(step),
        **options,
    )


def test_asks_in_five_ways_and_the_neighbours_twice(conversation, report):
    world, seen = World(report), []
    (result,) = run(world, [conversation], seen, retrieve=lambda question: ["It is on Friday.", question])
    assert [len(prompts) for prompts in world.asked] == [2, 1, 2, 2, 2, 2, 1]
    assert world.asked[0][0] == (Message(role="user", text="What is my dog called?"),)
    assert world.asked[2][1] == (*conversation.messages, Message(role="user", text="When is it?"))
    found = 'Earlier I told you: "It is on Friday. When is it?" When is it?'
    assert world.asked[3][1] == (Message(role="user", text=found),)
    quoted = 'Earlier I told you: "My dog is called Biscuit." What is my dog called?'
    assert world.asked[4][0] == (Message(role="user", text=quoted),)
    stages = [stage for stage, _, _ in seen]
    assert list(dict.fromkeys(stages)) == [
        "ask: nothing",
        "ask: history",
        "ask: retrieved",
        "ask: quoted",
        "ask: weights",
    ]
    assert result.asked[0].answers == {
        "before": "no idea 0",
        "history": "biscuit 0",
        "retrieved": "no idea 0",
        "quoted": "biscuit 0",
        "after": "biscuit 0",
    }
    assert result.neighbours[0].answers == {"before": "no idea 0", "after": "biscuit 0"}
    assert result.report is report
    assert set(result.prompts) == {"history", "retrieved", "quoted"}
    assert list(result.prompts["quoted"]) == world.asked[4]


def test_several_conversations_are_learned_at_once(conversation, report):
    world = World(report)
    results = run(world, [conversation, conversation], quoted=False)
    assert world.said == 1
    assert [r.held("after") for r in results] == [0.5, 0.5]
    assert set(results[1].asked[0].answers) == {"before", "history", "after"}
    assert not results[0].asked[0].is_right("quoted")


def test_shares(result):
    assert result.held("before") == 0.0
    assert result.held("quoted") == 1.0
    assert result.held("after") == 0.5
    assert result.held("after", "recall") == 1.0
    assert result.held("after", "update") == 0.0
    assert result.leaked("before") == 0.0
    assert result.leaked("after") == 1.0
    assert result.leaked("never") == 0.0
