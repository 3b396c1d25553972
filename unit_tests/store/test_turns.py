import threading
from datetime import datetime, timedelta, timezone

import pytest

from langchain_selfparam.errors import ConfigError, ConsolidationError, UnknownTurnError
from langchain_selfparam.records import Turn, TurnState, id_of_other_words

ANA = ("memories", "ana")
BEN = ("memories", "ben")


def raw_files(rooms):
    return b"".join(path.read_bytes() for path in rooms.folder.glob("memory.sqlite*"))


def append(rooms, now, **changes):
    values = {"namespace": ANA, "thread": "t", "user": "hi", "assistant": "hello", "created_at": now}
    return rooms.turns.append(**{**values, **changes})


def test_a_turn_is_read_back_as_it_was_said(rooms):
    when = datetime(2025, 3, 1, 17, 30, 0, 250, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    turn = append(rooms, when, user="Grüße 🐕\n\0", assistant="", message_id="m1", thread="")
    assert turn == Turn(
        id=1,
        namespace=ANA,
        thread="",
        user="Grüße 🐕\n\0",
        assistant="",
        created_at=when,
        state=TurnState.PENDING,
        attempts=0,
        version=None,
        message_id="m1",
    )
    assert turn.created_at.tzinfo is timezone.utc
    assert rooms.turns.list() == (turn,) == rooms.turns.get([1])


def test_a_reply_goes_to_what_was_said_last_and_waits_for_one(rooms, now):
    assert rooms.turns.reply(ANA, "t", "hello") is None
    append(rooms, now, user="one", assistant="")
    append(rooms, now, user="two", assistant="")
    for other in ({"thread": "u"}, {"namespace": BEN}):
        append(rooms, now, **other)
    assert rooms.turns.reply(ANA, "t", "hello").id == 2
    assert [t.assistant for t in rooms.turns.list(namespace=ANA, thread="t")] == ["", "hello"]
    assert rooms.turns.reply(ANA, "t", "hello again") is None
    append(rooms, now, user="three", assistant="")
    rooms.turns.clear(ANA)
    assert rooms.turns.reply(ANA, "t", "too late") is None


def test_a_reply_to_a_turn_that_is_being_learned_leaves_the_lease(rooms, now):
    turn = append(rooms, now, user="one", assistant="")
    rooms.lease(turn)
    found = rooms.turns.reply(ANA, "t", "hello")
    assert (found.assistant, found.state) == ("hello", TurnState.LEASED)


def test_what_was_learned_without_its_reply_is_not_held_but_pending(rooms, now):
    turns = append(rooms, now, user="one", assistant="", thread="u"), append(rooms, now, user="two", assistant="")
    job = rooms.lease(*turns)
    rooms.turns.reply(ANA, "t", "hello")
    version = rooms.commit(job, [1, 2])
    assert version.turn_ids == (1,)
    assert [(t.state, t.attempts) for t in rooms.turns.list()] == [(TurnState.HELD, 0), (TurnState.PENDING, 0)]


def test_a_reply_to_a_held_turn_has_it_learned_again_whatever_version_is_served(rooms, now):
    turn = append(rooms, now, user="one", assistant="")
    version = rooms.commit(rooms.lease(turn), [1])
    found = rooms.turns.reply(ANA, "t", "hello")
    assert (found.assistant, found.state, found.version) == ("hello", TurnState.PENDING, None)
    rooms.versions.move_head(0, created_at=now)
    rooms.versions.move_head(version.id, created_at=now)  # it never knew of the reply
    (found,) = rooms.turns.list()
    assert found.state is TurnState.PENDING
    again = rooms.commit(rooms.lease(found), [1])
    rooms.versions.move_head(0, created_at=now)
    rooms.versions.move_head(again.id, created_at=now)
    assert rooms.turns.list()[0].state is TurnState.HELD


def test_what_states_nothing_is_pending_with_the_reply_that_came_meanwhile(rooms, now):
    turns = append(rooms, now, user="Thanks!", assistant="", thread="u"), append(rooms, now, user="Hi", assistant="")
    job = rooms.lease(*turns)
    rooms.turns.reply(ANA, "t", "Your number is 4711.")
    rooms.jobs.settle(job)
    assert [t.state for t in rooms.turns.list()] == [TurnState.HELD, TurnState.PENDING]
    assert rooms.lease(rooms.turns.list()[1]).id != job.id


def test_what_was_cut_in_the_middle_of_an_emoji_is_kept(rooms, now):
    turn = append(rooms, now, user="I like \ud83d", assistant="", message_id="m1")
    assert turn.user == "I like \ufffd"
    assert append(rooms, now, user="I like \ud83d", assistant="", message_id="m1") == turn
    assert rooms.turns.reply(ANA, "t", "\ud83d\udc15 and \udc15").assistant == "\U0001f415 and \ufffd"


def test_the_same_message_is_stored_once(rooms, now):
    first = append(rooms, now, message_id="m1")
    again = append(rooms, now, message_id="m1", assistant="replied otherwise")
    assert again == first
    assert rooms.turns.list() == (first,)


def test_other_words_of_a_known_message_are_stored_once_too(rooms, now):
    first = append(rooms, now, message_id="m1", user="My dog is Rex.")
    other = [append(rooms, now, message_id="m1", user="My dog is Max.") for _ in range(2)]
    assert other[0] == other[1]
    assert rooms.turns.list() == (first, other[0])
    assert other[0].message_id == id_of_other_words("m1", "My dog is Max.") != "m1"
    assert append(rooms, now, message_id="m1", user="My dog is Rex.") == first
    rooms.turns.delete([first.id])
    assert append(rooms, now, message_id="m1", user="My dog is Max.") == other[0]  # not again under the free id


def test_turns_are_found_by_the_messages_that_they_came_in(rooms, now):
    mine, _ = append(rooms, now, message_id="m1"), append(rooms, now, message_id="m2", namespace=BEN)
    assert rooms.turns.said_in(ANA, ["m1", "m2", "m3"]) == {"m1": mine}


def test_the_same_message_id_of_another_namespace_is_another_message(rooms, now):
    append(rooms, now, message_id="m1")
    assert append(rooms, now, message_id="m1", namespace=BEN).id == 2


def test_turns_without_a_message_id_are_all_stored(rooms, now):
    assert [append(rooms, now).id for _ in range(3)] == [1, 2, 3]


def test_a_known_message_comes_back_in_the_state_it_has(rooms, now):
    append(rooms, now, message_id="m1")
    rooms.turns.clear(ANA)
    assert append(rooms, now, message_id="m1").state is TurnState.CLEARED


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"namespace": ("a", "")}, r"namespace is \('a', ''\); it has to be"),
        ({"created_at": datetime(2025, 3, 1)}, r"created_at is datetime.*; it has to have a timezone"),
    ],
)
def test_what_cannot_be_stored_is_refused(rooms, now, changes, text):
    with pytest.raises(ConfigError, match=text):
        append(rooms, now, **changes)
    assert rooms.turns.list() == ()


def test_many_threads_append_without_loss(rooms, now):
    def say(name):
        for i in range(10):
            append(rooms, now, thread=name, user=str(i))
            append(rooms, now, thread="same", message_id=f"m{i}")

    threads = [threading.Thread(target=say, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(8):
        assert [turn.user for turn in rooms.turns.list(thread=str(n))] == [str(i) for i in range(10)]
    assert len(rooms.turns.list(thread="same")) == 10


def test_lists_are_in_order_and_filtered_by_each_part(rooms, now):
    for thread, namespace in [("a", ANA), ("b", BEN), ("b", ANA), ("", ANA), ("a", BEN)]:
        append(rooms, now, thread=thread, namespace=namespace)
    rooms.turns.clear(ANA, "b")

    def ids(**by):
        return [turn.id for turn in rooms.turns.list(**by)]

    assert ids() == [1, 2, 3, 4, 5]
    assert ids(namespace=ANA) == [1, 3, 4]
    assert ids(namespace=ANA, thread="") == [4]
    assert ids(thread="a") == [1, 5]
    assert ids(states=[TurnState.CLEARED]) == [3]
    assert ids(namespace=ANA, states=[TurnState.PENDING, TurnState.CLEARED]) == [1, 3, 4]
    assert ids(states=[]) == []
    assert ids(after=2) == [i for i in ids() if i > 2]
    assert ids(after=99) == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("namespace = 'n' AND message_id = 'm'", "turns_message"),
        ("state IN ('pending') AND namespace = 'n'", "turns_state"),
        ("state IN ('pending')", "turns_state"),
        ("namespace = 'n' AND thread = 't'", "turns_thread"),
        ("id IN (SELECT value FROM json_each('[1]'))", "PRIMARY KEY"),
    ],
)
def test_no_question_reads_the_whole_journal(rooms, query, index):
    with rooms.database.reading() as c:
        plan = c.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT * FROM turns WHERE {query}").all()
    assert f"USING INDEX {index}" in plan[0].detail or f"USING INTEGER {index}" in plan[0].detail


def test_ten_thousand_turns_are_looked_up_at_once(rooms):
    with rooms.database.transaction() as c:
        c.exec_driver_sql(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
            "INSERT INTO turns (namespace, thread, user, assistant, created_at, state, attempts) "
            "SELECT '[\"a\"]', '', i, i, '2025-03-01T12:00:00.000000+00:00', 'pending', 0 FROM n"
        )
    ids = list(range(10000, 0, -1))
    assert [turn.id for turn in rooms.turns.get(ids)] == ids
    assert len(rooms.turns.clear(("a",)).cleared) == 10000
    rooms.turns.delete(ids)
    assert rooms.turns.list() == ()


def test_turns_come_back_in_the_order_asked_for(rooms):
    rooms.say("one", "two", "three")
    assert [turn.user for turn in rooms.turns.get([3, 1, 3])] == ["three", "one", "three"]


def test_unknown_turns_are_named(rooms):
    rooms.say("one")
    with pytest.raises(UnknownTurnError, match=r"there is no turn 7, 9; memory\.turns lists"):
        rooms.turns.get([9, 1, 7])


def test_clear_takes_pending_turns_of_one_conversation_only(rooms):
    rooms.say("one", thread="a")
    rooms.say("two", thread="b")
    rooms.say("three", thread="a", namespace=BEN)
    assert rooms.turns.clear(ANA, "a") == ((1,), ())
    assert rooms.states() == {1: "cleared", 2: "pending", 3: "pending"}
    assert rooms.turns.clear(ANA) == ((2,), ())
    assert rooms.turns.clear(ANA) == ((), ())


def test_clear_leaves_leased_and_held_turns_alone_and_says_which_were_leased(rooms):
    rooms.learn("one")
    two, _ = rooms.say("two", "three")
    job = rooms.lease(two)
    cleared = rooms.turns.clear(ANA)
    assert (cleared.cleared, cleared.leased) == ((3,), (2,))
    assert rooms.states() == {1: "held", 2: "leased", 3: "cleared"}
    rooms.jobs.fail(job, error="no", count_attempt=False)
    assert rooms.turns.clear(ANA).cleared == (2,)


def test_forgotten_words_are_in_no_file_any_more(rooms):
    kept, gone = "kept words " * 500, "forgotten words " * 500
    turns = rooms.say(kept, gone, "forgotten in short")
    job = rooms.lease(*turns)
    rooms.jobs.save_targets(job, f'["{gone}"]')
    report = {"recall": 0.5, "reasons": [gone], "probes": [{"answer": gone, "passed": True}], "held": [1]}
    rooms.commit(job, [1, 2], report=report)
    again = rooms.lease(rooms.turns.get([3])[0])
    rooms.jobs.fail(again, error="said: forgotten in short", count_attempt=True)
    assert b"forgotten" in raw_files(rooms)

    rooms.turns.delete([2, 3])

    left = raw_files(rooms)
    assert b"forgotten" not in left
    assert b"kept words" in left
    assert [turn.id for turn in rooms.turns.list()] == [1]
    assert rooms.jobs.load_targets(job) is None
    assert rooms.versions.get(1).report == {
        "recall": 0.5,
        "reasons": [],
        "probes": [{"passed": True}],
        "held": [1],
    }


def test_forgetting_one_turn_leaves_what_was_written_about_others(rooms):
    one, two = rooms.say("one", "two")
    first = rooms.lease(one)
    rooms.jobs.save_targets(first, "about one")
    rooms.commit(first, [1], report={"reasons": ["one is fine"]})
    second = rooms.lease(two)
    rooms.jobs.fail(second, error="about two", count_attempt=False)
    rooms.turns.delete([2])
    assert rooms.jobs.load_targets(first) == "about one"
    assert rooms.versions.get(1).report == {"reasons": ["one is fine"]}
    assert [(job.turn_ids, job.error) for job in rooms.jobs.list()] == [((1,), None), ((), None)]


def test_forgetting_inside_a_transaction_empties_the_log_when_it_is_committed(rooms):
    rooms.say("forgotten words")
    with rooms.database.transaction() as c:
        rooms.turns.delete([1], connection=c)
        assert b"forgotten words" in raw_files(rooms)
    assert b"forgotten words" not in raw_files(rooms)


def test_forgetting_that_fails_later_forgets_nothing(rooms):
    rooms.say("words")
    rooms.crash_after(lambda c: rooms.turns.delete([1], connection=c))
    assert rooms.states() == {1: "pending"}


def test_forgetting_refuses_what_is_not_there_or_being_learned(rooms):
    one, _, three = rooms.say("one", "two", "three")
    rooms.lease(one, three)
    before = rooms.dump()
    with pytest.raises(UnknownTurnError, match="there is no turn 8;"):
        rooms.turns.delete([2, 8])
    with pytest.raises(ConsolidationError, match="consolidation is working on turn 1, 3; forget when it"):
        rooms.turns.delete([1, 2, 3])
    assert rooms.dump() == before


def test_the_id_of_a_forgotten_turn_is_not_used_again(rooms):
    rooms.say("one", "two")
    rooms.turns.delete([2])
    assert rooms.say("three")[0].id == 3
