"""A scripted scorer, and choosing by it."""

from langchain_selfparam.config import TargetConfig
from langchain_selfparam.records import Statement
from langchain_selfparam.targets import prompts
from langchain_selfparam.targets.generate import Candidate
from langchain_selfparam.targets.screen import choose

SAID = [
    "the dog barks at noon.",
    "the cat sleeps all day.",
    "the bird sings at dawn.",
    "the fish swims in circles.",
    "the horse runs in the field.",
]
STATEMENTS = [Statement(turn_id=at, said=said, told=said) for at, said in enumerate(SAID)]
ELSEWHERE = -30.0
NOBODYS = {f"Is it number {number}?": dict[str, float]() for number in range(39)}
"""Questions that fit nothing."""
CONFIG = TargetConfig(margin=0.5)


class Scripted:
    """Scores from a table of question to its score at some statements; ``ELSEWHERE`` at all others.

    Behind a question every statement has ``ELSEWHERE``, and ``back`` nats more behind those that it names.
    """

    def __init__(self, table, back=None):
        self.table = table
        self.back = back or {}
        self.asked = []
        self.asked_back = []

    def score(self, groups):
        rows = []
        for prompt, texts in groups:
            if prompt == prompts.answer_list():
                rows.append([self._behind(*text[1:].split("\nAnswer:")) for text in texts])
                continue
            said = prompt.rpartition("Statement: ")[2].removesuffix("\nQuestions:\n-")
            assert all(text[0] == " " for text in texts)
            self.asked += [(text[1:], said) for text in texts]
            rows.append([self.table[text[1:]].get(said, ELSEWHERE) for text in texts])
        return rows

    def _behind(self, question, said):
        if not said:
            return -9.0
        self.asked_back.append((question, said.strip()))
        nats = self.back.get(question, 0.0)
        return -9.0 + ELSEWHERE + (nats.get(said.strip(), 0.0) if isinstance(nats, dict) else nats)


def run(table, *, about=None, statements=STATEMENTS, config=CONFIG, corrections=None):
    about = about or {}
    candidates = [Candidate(text=q, about=about.get(q, 0)) for q in table]
    scorer = Scripted(table)
    return choose(statements, candidates, scorer, config=config, corrections=corrections), scorer
