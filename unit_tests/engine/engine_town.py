"""Spaces of a few people with learners that do what a test decides, and the shortest way to say and to run."""

from engine_home import Quick, with_

from langchain_selfparam.engine import pipeline
from langchain_selfparam.engine.batch import consolidate_all
from langchain_selfparam.engine.limits import Limits
from langchain_selfparam.engine.space import Space
from langchain_selfparam.engine.spaces import Spaces
from langchain_selfparam.testing import tiny_model

BOB, CY = ("memories", "bob"), ("memories", "cy")
TWO = with_(policy={"every_turns": None, "max_turns": 2})


class Town:
    """Spaces whose learners write down whose episode they learned, and do what a test decides."""

    def __init__(self, folder, monkeypatch, undo):
        self.folder, self.undo = folder, undo
        self.learned = []
        self.at = lambda stage, said: None

        def learner(local, gate, **_):
            quick = Quick(local)
            learn = quick.learn

            def noted(episode, **options):
                said = [turn.user for turn in episode.turns]
                quick.at = lambda stage: self.at(stage, said)
                done = learn(episode, **options)
                self.learned.append((episode.namespace[-1], len(said)))
                return done

            quick.learn = noted
            return quick

        monkeypatch.setattr(pipeline, "Learner", learner)

    def open(self, **options):
        options = {"settings": TWO, "room": 1 << 30, "background": False, **options}
        spaces = Spaces.open(tiny_model(), path=self.folder, **options)
        self.undo(spaces.close)
        return spaces


def say(spaces, namespace, *texts):
    return tuple(Space(spaces, namespace).append(user=text, assistant="Noted.").id for text in texts)


def states(spaces):
    return {turn.id: turn.state for turn in spaces.turns()}


def run(spaces, namespaces=None, **limits):
    return consolidate_all(spaces, namespaces, limits=Limits(**limits))
