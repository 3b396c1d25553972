"""Turns that state nothing ("Thanks!") leave the prompt by themselves, and come back where the head is moved."""

from engine_home import DOG, author, everything, same, say

from langchain_selfparam.errors import NothingSaidError


def test_turns_that_say_nothing_leave_the_prompt_and_make_no_version(home):
    engine = home.open(quick=False, generator=author())
    engine.append(user="Thanks!", assistant="You are welcome.")
    before = everything(engine)
    report = engine.consolidate()
    assert (report.held, report.version) == ((1,), None)
    assert report.reasons == ("turn 1 says nothing that could be asked about; there is nothing of it to be learned",)
    assert engine.last_error is None
    assert same(everything(engine), before)
    assert [(str(t.state), t.attempts, t.version) for t in engine.turns()] == [("held", 0, 0)]
    assert (engine.prompt_turns(), len(engine.versions())) == ((), 1)
    assert [str(job.state) for job in engine._store.jobs.list()] == ["done"]
    assert engine.consolidate().reasons == ("no turn is pending",)
    engine.forget([1])
    assert engine.turns() == ()


def test_turns_that_say_nothing_are_pending_where_the_head_is_moved(home):
    engine = home.open()
    say(engine, DOG)
    engine.consolidate()
    engine.append(user="Thanks!", assistant="You are welcome.")
    quick = engine.quick.learn

    def nothing(episode, **options):
        raise NothingSaidError("turn 2 says nothing")

    engine.quick.learn = nothing
    assert engine.consolidate().held == (2,)
    assert [t.version for t in engine.turns()] == [1, 1]
    assert engine.rollback(0) == (1, 2)
    engine.quick.learn = quick
    assert engine.consolidate().held == (1, 2)
