import pytest

from langchain_selfparam.serving.generator import ChatGenerator


@pytest.fixture
def generator(tiny, gate):
    return ChatGenerator(tiny, gate)
