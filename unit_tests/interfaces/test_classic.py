"""Classic chains and agents with this memory, in both conventions of keys, alone and among other memories."""

import warnings

import pytest
from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_classic.chains import ConversationChain, LLMChain
from langchain_classic.memory import CombinedMemory, ConversationBufferMemory, ReadOnlySharedMemory
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.tools import tool

from langchain_selfparam import ChatSelfParam, ParametricMemory
from langchain_selfparam.testing import saying, tiny_model

warnings.filterwarnings("ignore", category=DeprecationWarning)


@tool
def weather(town: str) -> str:
    """The weather in a town."""
    return f"rain in {town}"


@pytest.fixture
def tiny():
    return tiny_model(max_position_embeddings=2048)


@pytest.fixture
def llm(tiny):
    return ChatSelfParam(local=tiny, max_tokens=40)


@pytest.fixture
def remember(llm, tmp_path):
    made = []

    def make(**fields):
        made.append(ParametricMemory(llm, path=tmp_path / "m", consolidate_every=None, **fields))
        return made[-1]

    yield make
    for memory in made:
        memory.close()


def test_an_agent_with_messages_under_chat_history(llm, tiny, remember):
    memory = remember(memory_key="chat_history", return_messages=True)
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("chat_history"), ("human", "{input}"), MessagesPlaceholder("agent_scratchpad")]
    )
    agent = AgentExecutor(agent=create_tool_calling_agent(llm, [weather], prompt), tools=[weather], memory=memory)
    with saying(tiny, "It rains."):
        assert agent.invoke({"input": "I'm Ana."})["output"] == "It rains."
        found = agent.invoke({"input": "And now?"})
    assert [m.text for m in found["chat_history"]] == ["I'm Ana.", "It rains."]
    assert [t.user for t in memory.turns] == ["I'm Ana.", "And now?"]


def test_a_chain_with_text_under_history(llm, tiny, remember):
    memory = remember()
    chain = ConversationChain(llm=llm, memory=memory)
    with saying(tiny, "Hello."):
        chain.invoke({"input": "I'm Ana."})
        found = chain.invoke({"input": "And now?"})
    assert found["history"] == "Human: I'm Ana.\nAI: Hello."


def test_among_other_memories(llm, tiny, remember):
    memory = remember(memory_key="held", input_key="input")
    other = ConversationBufferMemory(memory_key="lines", input_key="input")
    prompt = PromptTemplate.from_template("{held}\n{lines}\n{input}")
    chain = LLMChain(llm=llm, prompt=prompt, memory=CombinedMemory(memories=[memory, other]))
    with saying(tiny, "Hello."):
        chain.invoke({"input": "I'm Ana."})
        found = chain.invoke({"input": "And now?"})
    assert (found["held"], found["lines"]) == ("Human: I'm Ana.\nAI: Hello.",) * 2


def test_read_by_a_chain_that_must_not_write(llm, tiny, remember):
    memory = remember()
    memory.save_context({"input": "I'm Ana."}, {"output": "Hello."})
    chain = ConversationChain(llm=llm, memory=ReadOnlySharedMemory(memory=memory))
    with saying(tiny, "Hello."):
        assert chain.invoke({"input": "And now?"})["history"] == "Human: I'm Ana.\nAI: Hello."
    assert [t.user for t in memory.turns] == ["I'm Ana."]
