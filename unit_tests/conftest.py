"""Fixtures that every test may use: tiny models made in milliseconds, and waiting without sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch

from langchain_selfparam.loading import WHEEL_NAME, load
from langchain_selfparam.model import LocalModel
from langchain_selfparam.serving.gate import Gate, gate_for
from langchain_selfparam.testing import tiny_model

torch.set_num_threads(1)  # tiny products wait for a second thread longer than they take

PATIENCE = 20.0
"""Seconds after which a test that waits has failed; nothing takes that long."""


@pytest.fixture
def tiny() -> LocalModel:
    """A tiny Llama of this test's own."""
    return tiny_model()


@pytest.fixture
def gate(tiny: LocalModel) -> Gate:
    """The gate of ``tiny``."""
    return gate_for(tiny.model)


@pytest.fixture(scope="session")
def default_model() -> LocalModel:
    """The default model, where its wheel is installed."""
    try:
        return load(WHEEL_NAME)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """``until(condition)`` returns once it is true, and fails if it never is."""

    def wait(condition: Callable[[], object]) -> None:
        deadline, pause = time.monotonic() + PATIENCE, threading.Event()
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            pause.wait(0.001)

    return wait


@pytest.fixture
def in_thread() -> Callable[[Callable[[], object]], AbstractContextManager[threading.Thread]]:
    """``with in_thread(work):`` runs it beside the block and joins it after; its errors fail the test."""

    @contextmanager
    def start(work: Callable[[], object]) -> Iterator[threading.Thread]:
        failed: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again below
                failed.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield thread
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the thread hangs"
        if failed:
            raise failed[0]

    return start
