"""The ten numbered pitfalls of LangChain's classic memory, each held with the chains that users have."""

import asyncio
import copy
import logging
import pickle
import threading
import warnings

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from langchain_selfparam import ParametricMemory
from langchain_selfparam.errors import ConfigError, FolderError, InputError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langchain_classic.agents import AgentExecutor
    from langchain_classic.chains import ConversationalRetrievalChain, ConversationChain, LLMChain
    from langchain_classic.memory.chat_memory import BaseChatMemory


pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.deprecation.LangChainDeprecationWarning")


def replying(*texts):
    return GenericFakeChatModel(messages=iter([AIMessage(text) for text in texts]))


class Echo(GenericFakeChatModel):
    """Replies with what it was asked and keeps the prompts."""

    messages: object = iter(())
    prompts: list = []  # noqa: RUF012

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        from langchain_core.outputs import ChatGeneration, ChatResult

        self.prompts.append(messages)
        asked = messages[-1].text.rpartition("Human: ")[2].partition("\nAI:")[0]
        text = f"re: {asked}"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


class Nothing(BaseRetriever):
    """Finds nothing."""

    def _get_relevant_documents(self, query, *, run_manager):
        return []


def agent(memory, reply="Noted."):
    from langchain_core.agents import AgentFinish

    decide = RunnableLambda(lambda _: AgentFinish({"output": reply}, reply))
    return AgentExecutor(agent=decide, tools=[], memory=memory)


def test_pitfall_1_llm_comes_first_without_a_name(fake_engine, tiny, tmp_path):
    pair = (tiny.model, tiny.tokenizer)
    assert ParametricMemory(pair, path=tmp_path).llm is pair
    assert ParametricMemory(llm=pair, path=tmp_path).llm is pair
    assert fake_engine.opened[0].local.model is tiny.model
    with pytest.raises(TypeError, match=r"llm was given twice, first and by name; give it once"):
        ParametricMemory(pair, llm=pair)


def test_pitfall_2_unknown_keywords_are_refused(make_memory):
    with pytest.raises(ConfigError, match=r"'consolidate_evry' is .* did you mean 'consolidate_every'\?"):
        make_memory(consolidate_evry=3)
    with pytest.raises(ConfigError, match=r"'zzz' is not a setting of ParametricMemory; known: llm, path"):
        make_memory(zzz=3)


def test_pitfall_2_copies_and_pickle_know_about_the_locks(memory):
    assert copy.deepcopy(memory).folder == memory.folder
    with pytest.raises(TypeError, match=f"cannot be pickled: it owns the folder {memory.folder}"):
        pickle.dumps(memory)


async def test_pitfall_3_astream_saves_on_the_event_loop_and_learns_nothing(make_memory, fake_engine):
    memory = make_memory(consolidate_every=1)
    chunks = [c async for c in agent(memory).astream({"input": "My dog is called Biscuit."})]
    assert chunks[-1]["output"] == "Noted."
    engine = fake_engine.opened[-1]
    assert engine.threads == [threading.get_ident()]
    assert engine.last_report is None
    assert memory.buffer == "Human: My dog is called Biscuit.\nAI: Noted."


def test_pitfall_4_a_journal_that_fails_does_not_cost_the_answer(memory, engine, caplog):
    engine.broken = FolderError("the disk is full")
    chain = ConversationChain(llm=replying("Hello Ana"), memory=memory)
    with caplog.at_level(logging.WARNING):
        assert chain.invoke({"input": "I'm Ana"})["response"] == "Hello Ana"
    assert memory.last_error is engine.broken
    assert f"a turn was not saved in {memory.folder}: FolderError: the disk is full" in caplog.text


async def test_pitfall_4_nor_in_its_async_twin(memory, engine, caplog):
    engine.broken = FolderError("the disk is full")
    with caplog.at_level(logging.WARNING):
        await memory.asave_context({"input": "I'm Ana"}, {"output": "Hello"})
    assert memory.last_error is engine.broken


def test_pitfall_5_load_works_without_inputs(memory):
    assert memory.load_memory_variables({}) == {"history": ""}


def test_pitfall_5_the_one_input_besides_memory_and_stop(memory):
    memory.save_context({"question": "Hi", "history": "…", "stop": ["x"]}, {"output": "Hello"})
    assert memory.buffer == "Human: Hi\nAI: Hello"


@pytest.mark.parametrize(
    ("inputs", "found"),
    [({}, "none"), ({"history": "x"}, "none"), ({"a": "1", "b": "2"}, "'a', 'b'")],
)
def test_pitfall_5_other_inputs_are_refused_by_name(memory, inputs, found):
    with pytest.raises(InputError, match=f"inputs has the keys {found} besides 'history', 'stop'; exactly"):
        memory.save_context(inputs, {"output": "x"})
    with pytest.raises(ValueError, match="set input_key to the one with the user's words"):
        memory.save_context(inputs, {"output": "x"})


def test_pitfall_5_a_named_input_key(make_memory):
    memory = make_memory(input_key="b", output_key="o")
    memory.save_context({"a": "1", "b": "2"}, {"o": "3", "output": "4"})
    assert memory.buffer == "Human: 2\nAI: 3"
    with pytest.raises(InputError, match=r"inputs has the keys 'a', not 'b'; set input_key to the right one"):
        memory.save_context({"a": "1"}, {"o": "3"})
    with pytest.raises(InputError, match=r"outputs has the keys 'x', not 'o'; set output_key to the"):
        memory.save_context({"b": "1"}, {"x": "3"})


@pytest.mark.parametrize(
    ("outputs", "reply"),
    [
        ({"anything": "A"}, "A"),
        ({"steps": [], "text": "T", "output": "O"}, "O"),
        ({"text": "T", "result": "R", "answer": "A", "response": "P"}, "P"),
        ({"text": "T", "result": "R", "answer": "A"}, "A"),
        ({"text": "T", "result": "R"}, "R"),
        ({"text": "T", "steps": []}, "T"),
    ],
)
def test_pitfall_5_the_only_output_else_the_usual_names(memory, outputs, reply):
    memory.save_context({"input": "Hi"}, outputs)
    assert memory.buffer == f"Human: Hi\nAI: {reply}"


@pytest.mark.parametrize(("outputs", "found"), [({}, "none"), ({"x": "1", "y": "2"}, "'x', 'y'")])
def test_pitfall_5_other_outputs_are_refused_by_name(memory, outputs, found):
    with pytest.raises(InputError, match=f"outputs has the keys {found}; one key, or one of 'output', 'resp"):
        memory.save_context({"input": "Hi"}, outputs)
    assert memory.turns == ()


def test_pitfall_6_values_are_text_messages_or_lists_of_them(memory):
    memory.save_context({"input": HumanMessage("one")}, {"output": AIMessage("1")})
    memory.save_context({"input": [HumanMessage("two"), HumanMessage("three")]}, {"output": "23"})
    memory.save_context({"input": HumanMessage([{"type": "text", "text": "four"}])}, {"output": "4"})
    assert [turn.user for turn in memory.turns] == ["one", "two\nthree", "four"]


def test_pitfall_6_batch_interleaves_calls_without_loss_or_mixing(memory):
    chain = ConversationChain(llm=Echo(), memory=memory)
    chain.batch([{"input": f"message {i}"} for i in range(16)])
    said = sorted((turn.user, turn.assistant) for turn in memory.turns)
    assert said == sorted((f"message {i}", f"re: message {i}") for i in range(16))


def test_pitfall_7_conversational_retrieval_needs_messages_under_chat_history(make_memory):
    memory = make_memory(memory_key="chat_history", return_messages=True)
    llm = Echo()
    chain = ConversationalRetrievalChain.from_llm(llm, retriever=Nothing(), memory=memory)
    chain.invoke({"question": "Where is my dog?"})
    chain.invoke({"question": "And my cat?"})
    assert [turn.user for turn in memory.turns] == ["Where is my dog?", "And my cat?"]


def test_pitfall_7_also_with_source_documents(make_memory):
    memory = make_memory(memory_key="chat_history", return_messages=True)
    chain = ConversationalRetrievalChain.from_llm(
        Echo(), retriever=Nothing(), memory=memory, return_source_documents=True
    )
    answer = chain.invoke({"question": "Where is my dog?"})["answer"]
    assert [turn.assistant for turn in memory.turns] == [answer]


def test_pitfall_8_clear_forgets_the_buffer_and_touches_no_weights(memory, engine):
    memory.save_context({"input": "one"}, {"output": "1"})
    memory.consolidate()
    memory.save_context({"input": "two"}, {"output": "2"})
    memory.clear()
    assert memory.load_memory_variables({}) == {"history": ""}
    assert engine.calls == []
    assert [str(turn.state) for turn in memory.turns] == ["held", "cleared"]


def test_pitfall_9_making_and_using_a_memory_warns_of_nothing(make_memory):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memory = make_memory()
        memory.save_context({"input": "Hi"}, {"output": "Hello"})
        memory.load_memory_variables({})
        memory.clear()


async def test_pitfall_10_asave_context_saves(memory):
    assert not isinstance(memory, BaseChatMemory)
    await memory.asave_context({"input": "Hi"}, {"output": "Hello"})
    assert len(memory.turns) == 1


def test_conversation_chain_over_two_calls(memory):
    llm = Echo(prompts=[])
    chain = ConversationChain(llm=llm, memory=memory)
    chain.invoke({"input": "I'm Ana"})
    memory.consolidate()
    chain.invoke({"input": "Who am I?"})
    assert "I'm Ana" not in llm.prompts[1][0].text
    assert [turn.user for turn in memory.turns] == ["I'm Ana", "Who am I?"]


async def test_conversation_chain_ainvoke(memory):
    chain = ConversationChain(llm=replying("Hello", "Ana"), memory=memory)
    await chain.ainvoke({"input": "I'm Ana"})
    await chain.ainvoke({"input": "Who am I?"})
    assert [turn.assistant for turn in memory.turns] == ["Hello", "Ana"]


def test_llm_chain_with_a_chat_prompt(make_memory):
    memory = make_memory(return_messages=True, memory_key="past")
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("past"), ("human", "{words}")])
    llm = Echo(prompts=[])
    chain = LLMChain(llm=llm, prompt=prompt, memory=memory)
    chain.invoke({"words": "I'm Ana"})
    assert chain.invoke({"words": "Who am I?"})["text"] == "re: Who am I?"
    assert [m.text for m in llm.prompts[1]] == ["I'm Ana", "re: I'm Ana", "Who am I?"]


def test_llm_chain_with_a_second_input_needs_input_key(make_memory):
    prompt = PromptTemplate.from_template("{history} {style} {words}")
    chain = LLMChain(llm=Echo(), prompt=prompt, memory=make_memory())
    with pytest.raises(ValueError, match="inputs has the keys 'words', 'style' besides 'history', 'stop'"):
        chain.invoke({"words": "Hi", "style": "brief"})
    memory = make_memory(input_key="words")
    LLMChain(llm=Echo(), prompt=prompt, memory=memory).invoke({"words": "Hi", "style": "brief"})
    assert [turn.user for turn in memory.turns] == ["Hi"]


def test_agent_executor_with_intermediate_steps(memory):
    executor = agent(memory)
    executor.return_intermediate_steps = True
    executor.invoke({"input": "Hi"})
    assert asyncio.run(executor.ainvoke({"input": "Again"}))["output"] == "Noted."
    assert [turn.user for turn in memory.turns] == ["Hi", "Again"]
