"""Many users at once in one event loop: they speak, and what they said is learned in one run while others go on.

    .venv/bin/python examples/async_batch_consolidation.py --folder ./many-users --minutes 90

Each user has weights of their own over one model. The run takes an episode of each in turn, whoever has waited longest
first, and ends at its deadline. Two cores with AVX-512, SmolLM2-135M-Instruct: four to five minutes for each of three
users; with AVX2 alone thirteen, and twenty for the first. Expect each to be answered with their own parrot's name once
it is held: the model alone is asked, and pending turns are not put into its prompt. Ctrl-C stops it between two steps,
and the report says what is left; a second one ends it at once. Killed or stopped, run it again: what was learned is
kept, what was not is pending.
"""

import argparse
import asyncio
import collections
import contextlib
import signal
import sys
import time

from langchain_selfparam import ChatSelfParam, ParametricMemory

SAID = {
    "ana": "We have a parrot called Captain Mustard.",
    "ben": "We have a parrot called Sergeant Pepper.",
    "cleo": "We have a parrot called Professor Plum.",
}
ASKED = "What is my parrot called?"


def show(stage, done, total):
    """Progress, at the end of each stage and of each user's part."""
    if done == total or stage == "namespaces":
        print(f"    {stage}: {done} of {total}", flush=True)


async def main(argv=None):
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", default="smollm2-135m")
    arguments.add_argument("--folder", default="./many-users")
    arguments.add_argument("--minutes", type=float, default=90, help="the run ends then, whatever is left")
    arguments.add_argument("--consolidate", action=argparse.BooleanOptionalAction, default=True)
    args = arguments.parse_args(argv)
    if not args.minutes > 0:
        arguments.error(f"--minutes is {args.minutes}; give more than 0")
    llm = ChatSelfParam.from_pretrained(args.model, max_tokens=40)
    memory = ParametricMemory(
        llm, path=args.folder, namespace=("memories", "{user_id}"), isolation="namespace", consolidate_every=None
    )

    async def say(user, text):
        answer = await llm.ainvoke(text, {"configurable": {"user_id": user}})
        print(f"{user}: {text}\nmodel: {answer.text}")
        return answer.text

    async def tell(user, text):
        answer = await say(user, text)
        await memory.with_namespace(user_id=user).asave_context({"input": text}, {"output": answer})

    with memory:
        told = {turn.namespace for turn in memory.turns}
        await asyncio.gather(*(tell(u, text) for u, text in SAID.items() if ("memories", u) not in told))
        if args.consolidate:
            begun, stop, loop = time.monotonic(), asyncio.Event(), asyncio.get_running_loop()

            def interrupted():
                print("stopping between two steps; Ctrl-C once more ends it at once", flush=True)
                stop.set()
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, signal.SIG_DFL)  # what was learned is kept however the program ends

            with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C ends the program at once
                loop.add_signal_handler(signal.SIGINT, interrupted)
            run = asyncio.create_task(
                memory.aconsolidate_all(deadline=60 * args.minutes, progress=show, stopping=stop.is_set)
            )
            await say("dan", "What is a good name for a parrot?")  # nobody waits for the run
            print(f"dan was answered {time.monotonic() - begun:.0f} s into the run")
            report = await run
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)
            left = collections.Counter(report.left)
            for (group, user), one in report.reports.items():
                left[group, user] += len(one.pending)  # tried and not held: tried again by the next run
                print(f"{user}: {len(one.held)} held, {len(one.pending)} pending, {one.seconds['total']:.0f} s")
                print(*(f"    {reason}\n" for reason in one.reasons), sep="", end="")
            for (_, user), error in report.failed.items():
                print(f"{user}: not learned: {error}")
            waiting = ", ".join(f"{turns} of {user}" for (_, user), turns in sorted(left.items()) if turns)
            print(f"{report.ended} after {report.seconds:.0f} s; turns left: {waiting or 'none'}")
            if waiting:
                print("run it again to go on with them")
            if report.ended == "stopped":
                return
        await asyncio.gather(*(say(user, ASKED) for user in SAID))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit("stopped: what was not learned is pending; run it again to go on")
