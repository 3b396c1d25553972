"""A recommender that learns from dialogues and then has nothing in its prompt but the current one.

    .venv/bin/python examples/conversational_recommender/recommender.py --folder ./recommender-memory

It listens to 24 dialogues of a shop for board games that do not exist (``dialogues.jsonl``), learns them into the
weights, and is asked by six new customers (``seekers.jsonl``) in sentences of their own. Two cores with AVX2 alone,
SmolLM2-135M-Instruct: 24 minutes beside other work, 23 of them in learn(). Expect the game that fits for five or six of
the six after learning, and none of the shop's games before. Run it again to go on with what it has learned, also after
Ctrl-C; ``--talk`` lets you be the next ones: an empty line ends a customer's dialogue, the end of the input (Ctrl-D) or
Ctrl-C the program.
"""

import argparse
import contextlib
import hashlib
import json
import sys
from pathlib import Path

from langchain_selfparam import ChatSelfParam, ParametricMemory

HERE = Path(__file__).parent


def request(said):
    """A dialogue as the prompt: the customer begins, the shop's words may follow, the customer ends."""
    speakers = ("Customer", "Shop")
    lines = [f"{speakers[number % 2]}: {text}" for number, text in enumerate(said)]
    return "\n".join([*lines, "Which game of the shop fits this customer?"])


class Recommender:
    """Listens, learns and recommends."""

    def __init__(self, llm, folder):
        self.llm = llm
        # A dialogue is no fact to be asked about: its reply is what the prompt is to be answered with from now on.
        settings = {"targets": {"form": "replies"}, "policy": {"max_turns": 100}}
        self.memory = ParametricMemory(llm, path=folder, consolidate_every=None, settings=settings)

    def listen(self, said, reply):
        """Keep what was recommended after what a customer said; it takes milliseconds, and none is kept twice."""
        asked = request(said)
        known_by = hashlib.sha256(f"{asked}\n{reply}".encode()).hexdigest()
        self.memory.save_turn(asked, reply, message_id=known_by)

    def learn(self, progress=None):
        """Move what was heard into the weights."""
        return self.memory.consolidate(progress=progress)

    def recommend(self, said):
        """What the model says to the dialogue alone."""
        return self.llm.invoke(request(said)).text


def rows(name):
    """The lines of a file beside this one."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def talk(recommender):
    """Let somebody be a customer, who may go on after an answer; an empty line lets the next one in."""
    said = []
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            line = input("Customer: ").strip()
            if not line:
                said = []
                continue
            answer = recommender.recommend([*said, line])
            print("Shop:", answer)
            said += [line, answer]


def show(stage, done, total):
    """Progress, at the end of each stage."""
    if done == total:
        print(f"    {stage}: {done} of {total}", flush=True)


def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./recommender-memory")
    arguments.add_argument("--learn", action=argparse.BooleanOptionalAction, default=True)
    arguments.add_argument("--talk", action="store_true", help="be the next customer")
    args = arguments.parse_args(argv)
    recommender = Recommender(ChatSelfParam.from_pretrained(args.model, max_tokens=40), args.folder)
    seekers = rows("seekers.jsonl")
    with recommender.memory as memory:

        def ask(when):
            answers = [recommender.recommend(seeker["said"]) for seeker in seekers]
            for seeker, answer in zip(seekers, answers, strict=True):
                print(f"Customer: {seeker['said'][-1]}\n    Shop, {when}: {answer}")
            right = sum(seeker["fits"] in answer for seeker, answer in zip(seekers, answers, strict=True))
            print(f"{when}: {right} of {len(seekers)} are recommended the game that fits\n")

        if not memory.turns:
            ask("before")
        for dialogue in rows("dialogues.jsonl"):
            recommender.listen(dialogue["said"], dialogue["reply"])
        if args.learn and memory.pending_turns():
            report = recommender.learn(progress=show)
            states = [turn.state for turn in memory.turns]
            print(f"learned {len(report.held)} dialogues in {report.seconds['total']:.0f} s;", end=" ")
            print(f"{states.count('held')} are held, {states.count('pending')} pending")
            print(*(f"    {reason}\n" for reason in report.reasons), sep="", end="")
        ask("after" if memory.versions[1:] else "nothing learned")
        if args.talk:
            talk(recommender)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped: what was not learned is pending; run it again to go on")
