"""The ways in which a generator is asked."""

import asyncio

import pytest

from langchain_selfparam.records import Message
from langchain_selfparam.serving.generator import Completion

ASK = [Message(role="user", text="What is my dog called?")]


async def collect(pieces):
    return [piece async for piece in pieces]


def run_complete(generator, messages, **sampling):
    return generator.complete(messages, **sampling)


def run_stream(generator, messages, **sampling):
    return Completion.join(list(generator.stream(messages, **sampling)))


def run_astream(generator, messages, **sampling):
    return Completion.join(asyncio.run(collect(generator.astream(messages, **sampling))))


every_way = pytest.mark.parametrize("run", [run_complete, run_stream, run_astream])
