"""BM25 finds what was said about a question."""

import os
import sys

import pytest

from langchain_selfparam.evaluation.datasets import find, load
from langchain_selfparam.evaluation.retrieval import Index


def test_the_turn_with_the_words_of_the_question_comes_first():
    pytest.importorskip("bm25s")
    conversations = load(find("assistant_chats"))
    index = Index(conversations, count=3)
    found = index("Which instrument is Ysolde learning? The bassoon?")
    assert len(found) == 3
    assert "bassoon" in found[0]
    assert all(any(text == user for c in conversations for user, _ in c.turns) for text in found)


def test_no_more_than_was_said(conversation):
    pytest.importorskip("bm25s")
    assert sorted(Index([conversation], count=9)("my dog")) == sorted(user for user, _ in conversation.turns)


def test_a_missing_library_says_what_to_install(conversation, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(ImportError, match=r"bm25s is needed for this .*: pip install bm25s .*'.\[eval\]'"):
        Index([conversation])


def test_a_gpus_memory_is_left_alone_and_the_users_word_on_it_counts(conversation, monkeypatch):
    # bm25s imports JAX where there is one, which takes three quarters of a card at once unless it is told not to.
    pytest.importorskip("bm25s")
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)
    Index([conversation])
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    Index([conversation])
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"
