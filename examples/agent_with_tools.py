"""An agent of LangChain 1 with tools, whose memory of each user moves into weights of that user's own.

    .venv/bin/python examples/agent_with_tools.py --folder ./agent-memory

Two cores, SmolLM2-135M-Instruct: about four minutes, most of them in consolidate(). Expect what Ana said to leave her
thread once her weights hold it, and Ben, who said nothing, to be answered by the untouched model. A model this small
seldom calls a tool by itself; one that was trained for tools is told of them by its own chat template.
"""

import argparse
import dataclasses

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from langchain_selfparam import ChatSelfParam, ParametricMemory

SAID = ["Hi, I'm Ana.", "We have a parrot called Captain Mustard."]
ASKED = "What is my parrot called?"


@dataclasses.dataclass
class User:
    """Whom a run is for."""

    user_id: str


def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./agent-memory")
    arguments.add_argument("--consolidate", action=argparse.BooleanOptionalAction, default=True)
    args = arguments.parse_args(argv)
    llm = ChatSelfParam.from_pretrained(args.model, max_tokens=200)  # fewer would cut a call of a tool
    with ParametricMemory(llm, path=args.folder, isolation="namespace", consolidate_every=None) as memory:
        agent = create_agent(
            llm,
            tools=memory.as_tools(),
            middleware=[memory.as_middleware()],
            context_schema=User,
            checkpointer=InMemorySaver(),
        )

        def say(user, text):
            given = {"messages": [("user", text)]}
            run = agent.invoke(given, {"configurable": {"thread_id": user}}, context=User(user))
            print(f"{user}: {text}\nmodel: {run['messages'][-1].text} ({len(run['messages'])} messages in the thread)")

        if not any(turn.user in SAID for turn in memory.turns):
            for text in SAID:
                say("ana", text)
            if args.consolidate:
                report = memory.consolidate()
                print(f"held {len(report.held)} turns in {report.seconds['total']:.0f} s")
                print(*report.reasons, sep="\n", end="\n" if report.reasons else "")
        say("ana", ASKED)
        say("ben", ASKED)


if __name__ == "__main__":
    main()
