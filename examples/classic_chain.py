"""A classic LangChain chain whose memory moves into the weights of its own model.

    .venv/bin/python examples/classic_chain.py --folder ./chain-memory

Two cores, SmolLM2-135M-Instruct: four minutes, 216 seconds of them in consolidate(). Expect all three turns to be held
and the three questions to be answered with nothing in the prompt; a model this small still misses questions in words
that are far from what was said. Run it again with the same folder, and what is held is answered at once. The whole of
this conversation with 24 questions and a report: ``selfparam demo``, whose text is
``langchain_selfparam/evaluation/data/demo.json``.
"""

import argparse
import warnings

from langchain_classic.chains import ConversationChain

from langchain_selfparam import ChatSelfParam, ParametricMemory

SAID = [
    "Hi, I'm Ottilie. I live on a narrowboat called Brindlewick.",
    "We have a parrot called Captain Mustard.",
    "Please remember that I can't eat beetroot.",
]
ASKED = [
    "What is the name of the boat I live on?",
    "What is my parrot called?",
    "Which vegetable must I not eat?",
]


def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./chain-memory")
    arguments.add_argument("--consolidate", action=argparse.BooleanOptionalAction, default=True)
    args = arguments.parse_args(argv)
    llm = ChatSelfParam.from_pretrained(args.model, max_tokens=40)
    # LangChain points to its newer agents here; classic chains go on working with memory=.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with ParametricMemory(llm, path=args.folder, consolidate_every=None) as memory:
        if not any(turn.user in SAID for turn in memory.turns):
            chain = ConversationChain(llm=llm, memory=memory)
            for text in SAID:
                print(f"you: {text}\nmodel: {chain.invoke({'input': text})['response']}")
            if args.consolidate:
                report = memory.consolidate()
                print(f"held {len(report.held)} turns in {report.seconds['total']:.0f} s")
                print(*report.reasons, sep="\n", end="\n" if report.reasons else "")
        print(f"left in the prompt: {memory.load_memory_variables({})['history']!r}")
        for question in ASKED:
            print(f"you: {question}\nmodel: {llm.invoke(question).text}")


if __name__ == "__main__":
    main()
