"""A classic agent, an AgentExecutor with a tool, whose memory moves into the weights of its own model.

    .venv/bin/python examples/classic_agent.py --folder ./classic-memory

Two cores, SmolLM2-135M-Instruct: about four minutes, most of them in consolidate(). Expect both turns to be held and
the parrot's name to be answered with no message of the memory in the prompt. What is asked is said as well, so that a
second run begins with it in the prompt. A model this small seldom calls a tool by
itself; one that was trained for tools is told of them by its own chat template. New agents are made with
``create_agent``: see ``agent_with_tools.py``.
"""

import argparse
import datetime as dt
import warnings

from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool

from langchain_selfparam import ChatSelfParam, ParametricMemory

SAID = ["Hi, I'm Ottilie.", "We have a parrot called Captain Mustard."]
ASKED = "What is my parrot called?"


@tool
def weekday(date: str) -> str:
    """The day of the week of a date such as 2026-02-14."""
    return dt.date.fromisoformat(date).strftime("%A")


def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./classic-memory")
    arguments.add_argument("--consolidate", action=argparse.BooleanOptionalAction, default=True)
    args = arguments.parse_args(argv)
    llm = ChatSelfParam.from_pretrained(args.model, max_tokens=200)  # fewer would cut a call of a tool
    # LangChain points to its newer agents here; classic ones go on working with memory=.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("chat_history"), ("human", "{input}"), MessagesPlaceholder("agent_scratchpad")]
    )
    with ParametricMemory(
        llm, path=args.folder, consolidate_every=None, memory_key="chat_history", return_messages=True
    ) as memory:
        tools = [weekday]
        agent = AgentExecutor(agent=create_tool_calling_agent(llm, tools, prompt), tools=tools, memory=memory)

        def say(text):
            run = agent.invoke({"input": text})
            print(f"you: {text}\nmodel: {run['output']} ({len(run['chat_history'])} messages of memory in the prompt)")

        if not any(turn.user in SAID for turn in memory.turns):
            for text in SAID:
                say(text)
            if args.consolidate:
                report = memory.consolidate()
                print(f"held {len(report.held)} turns in {report.seconds['total']:.0f} s")
                print(*report.reasons, sep="\n", end="\n" if report.reasons else "")
        say(ASKED)


if __name__ == "__main__":
    main()
