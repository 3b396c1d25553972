"""Text from a model: the same as the slow obvious loop, cut where asked, and never a gate left taken."""

import asyncio
import contextlib
import threading

import pytest
import torch
from ways import ASK, collect, every_way, run_stream

from langchain_selfparam.errors import InputError
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import Message
from langchain_selfparam.serving.activity import Slots
from langchain_selfparam.serving.decoding import IncrementalText, StopStrings
from langchain_selfparam.serving.gate import gate_for
from langchain_selfparam.serving.generator import ChatGenerator, Completion
from langchain_selfparam.serving.routing import wrap_generate
from langchain_selfparam.testing import saying, tiny_model


def assert_free(gate):
    with gate.writing(timeout=0):
        pass


@every_way
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_greedy_is_the_slow_obvious_loop(run, architecture):
    local = tiny_model(architecture, seed=3)
    ids = local.encode_chat(ASK)
    prompt = len(ids)
    for _ in range(12):
        logits = local.model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        ids.append(int(logits.argmax()))
        if ids[-1] == local.end_of_turn_id:
            break
    answer = run(ChatGenerator(local, gate_for(local.model)), ASK, max_tokens=12)
    expected = local.tokenizer.decode(ids[prompt:], skip_special_tokens=True)
    assert answer.text == expected
    assert (answer.prompt_tokens, answer.completion_tokens) == (prompt, len(ids) - prompt)


@every_way
def test_an_answer_that_ends_by_itself(run, tiny, generator):
    with saying(tiny, "Your dog is called Biscuit."):
        answer = run(generator, ASK)
    assert answer.text == "Your dog is called Biscuit."
    assert answer.finish_reason == "stop"
    assert answer.completion_tokens == tiny.count_tokens(answer.text) + 1


@every_way
def test_an_answer_that_is_too_long_is_cut(run, tiny, generator):
    with saying(tiny, "Your dog is called Biscuit."):
        answer = run(generator, ASK, max_tokens=3)
    assert answer.finish_reason == "length"
    assert answer.completion_tokens == 3
    assert "Your dog is called Biscuit.".startswith(answer.text)


def test_stream_says_why_it_ends_once_and_last(tiny, generator):
    with saying(tiny, "Your dog is called Biscuit."):
        pieces = list(generator.stream(ASK))
    assert [p.finish_reason for p in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish_reason == "stop"
    assert len(pieces) > 5


@every_way
@pytest.mark.parametrize("text", ["Grüße aus Köln 🐶🦮!", "犬の名前はビスケット", "a\n\n b  c\t", "🐶", "�!"])
def test_no_character_is_ever_broken(run, text, tiny, generator):
    with saying(tiny, text):
        assert run(generator, ASK).text == text
        for piece in generator.stream(ASK):
            assert "\ufffd" not in piece.text.replace("�!", "") or "\ufffd" in text


def test_half_a_character_at_the_end_is_said_at_the_end(tiny, generator):
    with saying(tiny, "ab🐶"):
        answer = generator.complete(ASK, max_tokens=3)
    assert answer.text == "ab\ufffd"


@every_way
@pytest.mark.parametrize(
    ("said", "stop", "expected", "reason"),
    [
        ("one two three", ["two"], "one ", "stop"),
        ("one two three", ["three", "two"], "one ", "stop"),
        ("one two three", ["one"], "", "stop"),
        ("one two three", ["three!"], "one two three", "stop"),
        ("line\n\nUser: next", ["\nUser:"], "line\n", "stop"),
        ("one two three", ["o t", "e tw"], "on", "stop"),
        ("aaab", ["aab"], "a", "stop"),
        ("one", [], "one", "stop"),
        ("Grüße 🐶 Köln", ["🐶"], "Grüße ", "stop"),
    ],
)
def test_stop_strings(run, said, stop, expected, reason, tiny, generator):
    with saying(tiny, said):
        answer = run(generator, ASK, stop=stop)
    assert (answer.text, answer.finish_reason) == (expected, reason)


def test_a_stop_string_ends_the_work_at_once(tiny, generator):
    seen = []
    with saying(tiny, "one two three four five six", each_token=seen.append):
        answer = generator.complete(ASK, stop=["two"])
    assert len(seen) == answer.completion_tokens < tiny.count_tokens("one two three four")


def test_stop_strings_are_never_partly_said():
    for size in (1, 2, 3):
        cut, text = StopStrings(["<stop>", "END"]), "a <st E EN <sto <stop> never"
        said = ""
        for at in range(0, len(text), size):
            if not cut.found:
                said += cut.feed(text[at : at + size])
            assert "a <st E EN <sto ".startswith(said)
        assert cut.found
        assert said + cut.flush() == "a <st E EN <sto "


def test_incremental_text_is_the_text_of_all_tokens(tiny):
    text = "Grüße 🐶, my dog is called Biscuit. 犬"
    for before in ([], tiny.encode("Hello there")[-4:]):
        writer = IncrementalText(tiny.tokenizer, before)
        assert "".join([*map(writer.feed, tiny.encode(text)), writer.flush()]) == text


def test_special_tokens_are_not_said(tiny):
    writer = IncrementalText(tiny.tokenizer, [])
    ids = [*tiny.encode("a"), *tiny.tokenizer.all_special_ids, *tiny.encode("b")]
    assert "".join([*map(writer.feed, ids), writer.flush()]) == "ab"


def test_an_open_answer_is_continued(tiny, generator):
    begun = [*ASK, Message(role="assistant", text="Your dog")]
    assert generator.complete(begun, max_tokens=2).prompt_tokens == len(tiny.encode_chat(begun))
    with saying(tiny, " is called Biscuit."):
        assert generator.complete(begun).text == " is called Biscuit."


@every_way
def test_a_prompt_that_does_not_fit_says_both_numbers(run, gate, tiny, generator):
    long = [Message(role="user", text="dog " * 600)]
    tokens = len(tiny.encode_chat(long))
    with pytest.raises(InputError, match=rf"prompt has {tokens} tokens and tiny-llama-0 reads at most 512"):
        run(generator, long)
    assert_free(gate)


@pytest.mark.parametrize("max_tokens", [None, 100_000])
def test_an_answer_is_clipped_to_what_fits(max_tokens):
    local = tiny_model(max_position_embeddings=40)
    with saying(local, "dog " * 100):
        answer = ChatGenerator(local, gate_for(local.model)).complete(ASK, max_tokens=max_tokens)
    assert answer.prompt_tokens + answer.completion_tokens == 40
    assert answer.finish_reason == "length"


def test_the_models_own_ends_end_an_answer_too(tiny, generator):
    tiny.model.generation_config.eos_token_id = [tiny.encode("!")[0], 0]
    with saying(tiny, "Biscuit! And more."):
        answer = generator.complete(ASK)
    assert (answer.text, answer.finish_reason) == ("Biscuit", "stop")


def test_without_a_chat_template_the_next_question_ends_the_answer(tiny):
    tiny.tokenizer.chat_template = None
    local = LocalModel(model=tiny.model, tokenizer=tiny.tokenizer)
    with (
        pytest.warns(UserWarning, match="has no chat template"),
        saying(local, " Biscuit.\nUser: And my cat?"),
    ):
        answer = ChatGenerator(local, gate_for(local.model)).complete(ASK)
    assert answer.text == " Biscuit."


# What goes wrong


class BrokenError(Exception):
    pass


def _break_at(position):
    def each_token(at):
        if at == position:
            raise BrokenError(f"token {at}")

    return each_token


@every_way
@pytest.mark.parametrize("position", [0, 2])
def test_an_error_in_the_model_reaches_the_caller(run, position, tiny, gate, generator):
    with saying(tiny, "one two three", each_token=_break_at(position)):
        with pytest.raises(BrokenError, match=f"token {position}"):
            run(generator, ASK)
        assert_free(gate)


def test_what_was_said_before_an_error_was_given_before_it(tiny, generator):
    with saying(tiny, "abcdef", each_token=_break_at(3)):
        pieces = generator.stream(ASK)
        said = [next(pieces).text, next(pieces).text, next(pieces).text]
        with pytest.raises(BrokenError, match="token 3"):
            next(pieces)
    assert "abcdef".startswith("".join(said))


@every_way
def test_an_error_in_should_stop_reaches_the_caller(run, gate, generator):
    def should_stop():
        raise BrokenError("asked")

    with pytest.raises(BrokenError, match="asked"):
        run(generator, ASK, should_stop=should_stop)
    assert_free(gate)


@every_way
def test_should_stop_ends_the_answer(run, tiny, gate, generator):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 3  # once before the prompt is read, then after each token

    with saying(tiny, "one two three four"):
        answer = run(generator, ASK, should_stop=should_stop)
    assert (answer.completion_tokens, answer.finish_reason) == (2, "cancelled")
    assert_free(gate)


@every_way
def test_whoever_leaves_while_all_places_are_taken_has_no_prompt_read(run, monkeypatch, tiny, gate, generator):
    slots, asked = Slots(1), []
    monkeypatch.setattr("langchain_selfparam.serving.generator.SLOTS", slots)
    monkeypatch.setattr(tiny.model, "generate", None)  # fails where it is called

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    with slots.one(tiny.device, should_stop=lambda: False):
        answer = run(generator, ASK, should_stop=should_stop)
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("", 0, 0)
    assert (answer.finish_reason, len(asked)) == ("cancelled", 2)
    assert_free(gate)


def test_closing_a_stream_stops_the_model_and_frees_the_gate(tiny, gate, generator, in_thread, until):
    seen, go = [], threading.Event()

    def each_token(at):
        seen.append(at)
        if at == 1:
            go.wait(20)

    with saying(tiny, "abcdefghijklmnop", each_token=each_token):
        pieces = generator.stream(ASK)
        assert next(pieces).text == "a"
        closed = pieces.gi_frame.f_locals["closed"]
        with in_thread(pieces.close):
            until(closed.is_set)
            go.set()
    assert_free(gate)
    assert seen == [0, 1]


def test_a_stream_that_is_never_read_takes_nothing(gate, generator):
    pieces = generator.stream(ASK)
    assert_free(gate)
    pieces.close()
    assert_free(gate)


def test_a_slow_reader_does_not_hold_the_gate(tiny, gate, generator, until):
    with saying(tiny, "one two three"):
        pieces = generator.stream(ASK)
        next(pieces)
        until(lambda: gate._readers == 0)
        assert Completion.join(list(pieces)).finish_reason == "stop"


def test_a_writer_waits_for_the_last_token(tiny, gate, generator, in_thread, until):
    order, first, go = [], threading.Event(), threading.Event()

    def each_token(at):
        order.append(at)
        if at == 1:
            first.set()
            go.wait(20)

    def swap():
        with gate.writing():
            order.append("swap")

    def read():
        with saying(tiny, "abc", each_token=each_token):
            generator.complete(ASK)

    with in_thread(read):
        first.wait(20)
        with in_thread(swap):
            until(lambda: gate._waiting_writers == 1)
            go.set()
    assert order == [0, 1, 2, 3, "swap"]


def test_streaming_inside_reading_does_not_wait_for_a_waiting_writer(tiny, gate, generator, in_thread, until):
    order = []

    def swap():
        with gate.writing():
            order.append("swap")

    def read():
        with gate.reading():
            reading.set()
            until(lambda: gate._waiting_writers == 1)
            order.append(Completion.join(list(generator.stream(ASK))).text)
            order.append(generator.complete(ASK).text)

    reading = threading.Event()
    with saying(tiny, "said"), in_thread(read):
        reading.wait(20)
        with in_thread(swap):
            pass
    assert order == ["said", "said", "swap"]


@every_way
def test_asking_while_one_is_answered_waits_for_nobody(run, monkeypatch, tiny, gate, generator, in_thread, until):
    """A streamer or a logits processor that asks the model: it would wait for a writer that waits for it."""
    answers = []

    def ask(position):
        if position == 1 and not answers:
            answers.append(None)
            started.set()
            until(lambda: gate._waiting_writers == 1)
            answers.append(generator.complete(ASK).text)

    def swap():
        started.wait(20)
        with gate.writing():
            answers.append("swap")

    started = threading.Event()
    monkeypatch.setattr("langchain_selfparam.serving.generator.SLOTS", Slots(1))
    with saying(tiny, "said", each_token=ask), in_thread(lambda: run(generator, ASK, max_tokens=3)), in_thread(swap):
        pass
    assert answers == [None, "said", "swap"]


def test_a_writer_may_ask_the_model(tiny, gate, generator):
    with saying(tiny, "said"), gate.writing():
        assert generator.complete(ASK).text == "said"


def test_a_wrapped_model_is_asked_without_waiting_for_itself(tiny, gate, generator):
    wrap_generate(tiny.model, gate)
    with saying(tiny, "said"):
        assert generator.complete(ASK).text == "said"
        assert run_stream(generator, ASK).text == "said"


# In an event loop


async def test_the_event_loop_goes_on_while_the_model_works(tiny, generator):
    go = threading.Event()

    def each_token(at):
        if at == 1:
            assert go.wait(20), "the event loop is blocked"

    async def elsewhere():
        go.set()

    with saying(tiny, "abc", each_token=each_token):
        texts = []
        async for piece in generator.astream(ASK):
            texts.append(piece.text)
            if len(texts) == 1:
                other = asyncio.create_task(elsewhere())
    await other
    assert "".join(texts) == "abc"


async def test_cancelling_the_task_stops_the_model_and_frees_the_gate(tiny, gate, generator):
    seen, go, loop, second = [], threading.Event(), asyncio.get_running_loop(), asyncio.Event()

    def each_token(at):
        seen.append(at)
        if at == 1:
            loop.call_soon_threadsafe(second.set)
            go.wait(20)

    with saying(tiny, "abcdefghijklmnop", each_token=each_token):
        task = asyncio.create_task(collect(generator.astream(ASK)))
        await second.wait()
        task.cancel()
        loop.call_soon(go.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert_free(gate)
    assert seen == [0, 1]


async def test_closing_an_async_stream_frees_the_gate(tiny, gate, generator):
    with saying(tiny, "abcdefghijklmnop"):
        async with contextlib.aclosing(generator.astream(ASK)) as pieces:
            assert (await anext(pieces)).text == "a"
    assert_free(gate)


def test_a_loop_that_is_gone_stops_the_model(tiny, gate, generator, until):
    go = threading.Event()

    def each_token(at):
        if at == 1:
            go.wait(20)

    async def first_piece():
        pieces = generator.astream(ASK)
        kept.append(pieces)
        return (await anext(pieces)).text

    kept = []
    with saying(tiny, "abcdefghijklmnop", each_token=each_token):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(first_piece()) == "a"
        loop.close()
        go.set()
        until(lambda: gate._readers == 0)
    kept.clear()


async def test_several_at_once(tiny, generator):
    with saying(tiny, "Your dog is called Biscuit."):
        answers = await asyncio.gather(*(collect(generator.astream(ASK)) for _ in range(5)))
    assert {Completion.join(a).text for a in answers} == {"Your dog is called Biscuit."}


@pytest.mark.model
def test_the_default_model_knows_paris(default_model):
    ask = [Message(role="user", text="What is the capital of France?")]
    answer = ChatGenerator(default_model, gate_for(default_model.model)).complete(ask, max_tokens=20)
    assert "Paris" in answer.text
    assert answer.finish_reason == "stop"
