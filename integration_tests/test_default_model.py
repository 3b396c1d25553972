"""LangChain's own suite for chat models, with the default model, which follows few instructions but calls tools."""

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_selfparam import ChatSelfParam

pytestmark = pytest.mark.model


class TestChatSelfParam(ChatModelIntegrationTests):
    """With the default model."""

    @pytest.fixture(autouse=True)
    def _loaded(self, default_model):
        type(self).local = default_model

    @property
    def chat_model_class(self):
        return ChatSelfParam

    @property
    def standard_chat_model_params(self):
        """Without keys and timeouts of a service."""
        return {"temperature": 0, "max_tokens": 120}

    @property
    def supports_model_override(self):
        """An object of this class is one model: the memory is in its weights."""
        return False

    @property
    def supports_json_mode(self):
        """Every way of structured output holds the model to the schema."""
        return True

    @property
    def chat_model_params(self):
        return {"local": self.local}

    @pytest.fixture
    def model(self, _loaded):
        return ChatSelfParam(**self.standard_chat_model_params, **self.chat_model_params)

    @pytest.mark.xfail(
        raises=AssertionError, reason="a model of 135M parameters seldom calls a tool that it is free not to call"
    )
    def test_agent_loop(self, model):
        """As LangChain's suite advises for models that may answer without a call."""
        super().test_agent_loop(model)

    @pytest.mark.xfail(
        raises=AssertionError, reason="a model of 135M parameters that was taught English writes no Japanese"
    )
    def test_unicode_tool_call_integration(self, model):
        """What is said in Japanese comes back only from a model that writes it."""
        super().test_unicode_tool_call_integration(model)
