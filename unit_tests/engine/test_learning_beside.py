"""Without replay: what earlier consolidations were taught to read is found in the weights when the next one learns."""

import torch
from engine_home import DOG, SISTER, author, say, with_

from langchain_selfparam.engine import learn


def test_the_second_consolidation_keeps_away_from_what_the_first_was_taught(home, monkeypatch):
    seen, real = [], learn.with_earlier

    def noting(moments, served, base, config):
        found = real(moments, served, base, config)
        seen.append((moments, found))
        return found

    monkeypatch.setattr(learn, "with_earlier", noting)
    settings = with_(training={"earlier_weight": 2.0}, targets={"replay": 0})
    engine = home.open(quick=False, generator=author(), settings=settings)
    for text in (DOG, SISTER):
        say(engine, text)
        assert engine.consolidate().committed
    (first, alone), (second, beside) = seen
    assert alone is first
    assert beside.keys() == second.keys() != set()
    for name, (block,) in second.items():
        energy, found = block.diagonal().mean(), beside[name][0].diagonal().mean()
        torch.testing.assert_close(found, 3 * energy, msg=name)


def test_the_weight_of_what_is_replayed_is_not_steered_down_with_the_rest(home, monkeypatch):
    """Drift says nothing of what is held; where it is small, what is to stay is loosened, but not that."""
    seen, real = [], learn.Course

    def noting(*args, **options):
        seen.append((options["near"], [d.key for d in options["replayed"]]))
        return real(*args, **options)

    monkeypatch.setattr(learn, "Course", noting)
    engine = home.open(quick=False, generator=author(), settings=with_(targets={"replay": 3}))
    for text in (DOG, SISTER):
        say(engine, text)
        assert engine.consolidate().committed
    (_, none), (near, replayed) = seen
    assert none == []
    assert len(replayed) == 3
    assert near.issuperset(replayed)
