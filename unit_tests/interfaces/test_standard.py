"""LangChain's own suite for chat models: what it asks of the class, without a real model."""

from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_selfparam import ChatSelfParam
from langchain_selfparam.testing import tiny_model


class TestChatSelfParam(ChatModelUnitTests):
    """Of a tiny model."""

    @property
    def chat_model_class(self):
        return ChatSelfParam

    @property
    def standard_chat_model_params(self):
        """Without keys and timeouts of a service."""
        return {"temperature": 0, "max_tokens": 60}

    @property
    def supports_model_override(self):
        """An object of this class is one model: the memory is in its weights."""
        return False

    @property
    def chat_model_params(self):
        return {"local": tiny_model()}
