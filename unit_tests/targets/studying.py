"""Episodes to study, and models that write and answer what a test decides."""

import dataclasses
from datetime import datetime, timezone

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Episode, Message, Turn
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.study import study
from langchain_selfparam.testing import FakeGenerator

CONFIG = TargetConfig(samples=1, contrast=16, alike=0, neutral=12, full_answers=2, whole_answers=0, probes=2)
DOG = "My dog is called Biscuit and he is 12."
SISTER = "My sister Ana lives in Lisbon."
QUESTIONS = {
    DOG: ["What is my dog called?", "How old is he now?", "Which pet do I have?", "What animal lives with me?",
          "Is it a cat that I have?", "Since when have I had it?", "Who barks at home?", "Do I own any animals?"],
    SISTER: ["Where does my sister live?", "Who lives abroad?", "Which town is she in?", "What is her name then?"],
}  # fmt: skip
GENERAL = [f"Why is thing number {number} blue?" for number in range(60)]
"""Questions about the world that the served model writes when asked."""


def episode(*said):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turns = []
    for number, what in enumerate(said, 1):
        user, assistant = (what, "") if isinstance(what, str) else what
        turns.append(Turn(id=number, namespace=("a",), thread="", user=user, assistant=assistant, created_at=now))
    return Episode(namespace=("a",), turns=tuple(turns))


class ByStatement:
    """A scorer for which a question is likely where the author wrote it, and a statement behind such a question."""

    def __init__(self, questions):
        self.questions = questions

    def score(self, groups):
        rows = []
        for prompt, texts in groups:
            if prompt == prompts.answer_list():
                pairs = [text[1:].split("\nAnswer:") for text in texts]
                rows.append([-5.0 if q in self.questions.get(said.strip(), ()) else -30.0 for q, said in pairs])
                continue
            said = prompt.rpartition("Statement: ")[2].removesuffix("\nQuestions:\n-")
            rows.append([-5.0 if text[1:] in self.questions.get(said, ()) else -30.0 for text in texts])
        return rows


def run(
    *said, questions=QUESTIONS, general=GENERAL, answer=lambda text: f"About {text}", config=CONFIG, tried=(), **options
):
    """Study an episode; turns in ``tried`` were learned once before."""

    def write(prompt):
        text = "".join(prompt)
        found = text.rpartition("Statement: ")[2].removesuffix("\nQuestions:\n-")
        return "\n- ".join(questions.get(found, []))

    def serve(prompt):
        if isinstance(prompt[0], Message):
            return answer(prompt[-1].text)
        return "\n- ".join(general)

    parts = {"author": FakeGenerator(write), "served": FakeGenerator(serve), "scorer": ByStatement(questions)}
    parts["original"] = parts["served"]
    given = episode(*said)
    turns = tuple(dataclasses.replace(turn, attempts=int(turn.id in tried)) for turn in given.turns)
    return study(dataclasses.replace(given, turns=turns), config=config, **{**parts, **options})


def of_kind(things, kind):
    return [thing for thing in things if thing.kind == kind]
