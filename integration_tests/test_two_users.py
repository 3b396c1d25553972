"""Two users with opposite facts: whatever is asked, nobody is answered with what the other said."""

import asyncio
import itertools

import pytest

from langchain_selfparam import ChatSelfParam, ParametricMemory

pytestmark = pytest.mark.model

SAID = {
    "ana": {
        "parrot": "We have a parrot called Mustard.",
        "code": "The code of my locker is 4471.",
        "town": "I moved to Ptuj in spring.",
        "sister": "My sister is called Ottilie.",
    },
    "ben": {
        "parrot": "We have a parrot called Pepper.",
        "code": "The code of my locker is 8260.",
        "town": "I moved to Lund in spring.",
        "sister": "My sister is called Gwendolyn.",
    },
}
VALUES = {
    "ana": {"parrot": "mustard", "code": "4471", "town": "ptuj", "sister": "ottilie"},
    "ben": {"parrot": "pepper", "code": "8260", "town": "lund", "sister": "gwendolyn"},
}
ASKED = {
    "parrot": ("What is my parrot called?", "What is the name of our parrot?", "How did we name the bird?"),
    "code": ("What is the code of my locker?", "Which code opens my locker?", "How do I open my locker?"),
    "town": ("Where did I move?", "Which town did I move to in spring?", "Where have I lived since spring?"),
    "sister": ("What is my sister called?", "What is the name of my sister?", "Who is my sister?"),
}
BARE = {
    "policy": {"max_attempts": 1},
    "targets": {"bank": 0, "contrast": 20, "alike": 0, "neutral": 20, "calibration": 0},
    "training": {"drift": None},
    "verify": {"max_drift": 5.0, "max_neighbours_wrong": 1.0},
}
"""Learned without what keeps everything else as it was, most of the time: nobody is to hear of it all the same."""
BEFORE = (
    "", "Hi! ", "Hello there. ", "Please tell me: ", "I forgot. ", "Quick question: ", "Do you remember? ", "So, ",
    "One more thing. ", "By the way: ", "Sorry to ask. ", "Good morning! ", "Be honest: ", "Well, ", "Now then. ",
    "Help me out. ", "Say, ", "Listen. ", "Just checking: ", "Tell me again. ", "Think. ",
)  # fmt: skip


def probes():
    """Whose, about what and the question: 252 for each of the two, by turns."""
    for before, (about, questions) in itertools.product(BEFORE, ASKED.items()):
        for question, who in itertools.product(questions, SAID):
            yield who, about, before + question


async def test_nobody_is_answered_with_what_the_other_said(own_model, tmp_path):
    llm = ChatSelfParam(local=own_model, temperature=0, max_tokens=14)
    asked = list(probes())
    assert len(asked) > 500
    with ParametricMemory(
        llm, path=tmp_path, isolation="namespace", settings=BARE, consolidate_every=None, background=False
    ) as memory:
        for who, said in SAID.items():
            for text in said.values():
                memory.with_namespace(user_id=who).save_context({"input": text}, {"output": "I see."})
        await memory.aconsolidate()

        async def ask(who, question):
            return (await llm.ainvoke(question, {"configurable": {"user_id": who}})).text.lower()

        answers = await asyncio.gather(*(ask(who, question) for who, _, question in asked))
    other = {"ana": "ben", "ben": "ana"}
    wrong = [
        (who, question, answer)
        for (who, _, question), answer in zip(asked, answers, strict=True)
        if any(value in answer for value in VALUES[other[who]].values())
    ]
    own = sum(VALUES[who][about] in answer for (who, about, _), answer in zip(asked, answers, strict=True))
    print(f"{len(asked)} probes: {own} with the user's own value, {len(wrong)} with the other's")  # noqa: T201 - pytest -s
    assert wrong == []
    assert own > len(asked) / 4
