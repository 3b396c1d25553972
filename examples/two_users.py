"""A chain for two users, each with weights of their own over one model, chosen by the session of each request.

    .venv/bin/python examples/two_users.py --folder ./two-users

Two cores, SmolLM2-135M-Instruct: four to five minutes for each user, in consolidate(). Expect each user to be answered
with their own parrot's name and never with the other's, and with nothing in the prompt once it is held. What is
asked is said as well, so that a second run begins with it in the prompt.
"""

import argparse
import warnings

from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from langchain_selfparam import ChatSelfParam, ParametricMemory

SAID = {"ana": "We have a parrot called Captain Mustard.", "ben": "We have a parrot called Sergeant Pepper."}
ASKED = "What is my parrot called?"


def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./two-users")
    arguments.add_argument("--consolidate", action=argparse.BooleanOptionalAction, default=True)
    args = arguments.parse_args(argv)
    llm = ChatSelfParam.from_pretrained(args.model, max_tokens=40)
    # LangChain points to its newer agents here; this runnable goes on working.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with ParametricMemory(llm, path=args.folder, isolation="namespace", consolidate_every=None) as memory:
        prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{input}")])
        bot = RunnableWithMessageHistory(
            prompt | llm, memory.get_session_history, input_messages_key="input", history_messages_key="history"
        )

        def say(user, text):
            answer = bot.invoke({"input": text}, {"configurable": {"session_id": user}})
            print(f"{user}: {text}\nmodel: {answer.text}")

        if not any(turn.user in SAID.values() for turn in memory.turns):
            for user, text in SAID.items():
                say(user, text)
            if args.consolidate:
                report = memory.consolidate()
                print(f"held {len(report.held)} turns in {report.seconds['total']:.0f} s")
                print(*report.reasons, sep="\n", end="\n" if report.reasons else "")
        for user in SAID:
            say(user, ASKED)


if __name__ == "__main__":
    main()
