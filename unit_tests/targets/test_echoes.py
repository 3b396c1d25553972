"""What only has to be said back to be answered is no probe."""

from studying import of_kind, run

from langchain_selfparam.targets import screen


def test_a_question_that_its_echo_would_answer_is_learned_and_not_asked(monkeypatch):
    """Saying "Did I break my left wrist?" back leaves nothing to be known but how a verb is formed."""
    said, echo = "I broke my left wrist.", "Did I break my left wrist?"
    others = ["What did I break?", "Which wrist is left?", "Do I have a cast on it?", "Why do I write so badly?"]
    parted, real = [], screen.held_out

    def held_out(questions, count, *, beside, **options):
        parted.append(({*questions}, {*beside}))
        return real(questions, count, beside=beside, **options)

    monkeypatch.setattr(screen, "held_out", held_out)
    found = run(said, questions={said: [echo, *others]})
    assert parted == [({*others}, {echo})]
    assert echo in {s.prompt for s in of_kind(found.sentences, "question")}
