"""Traces and metrics of consolidations: LangChain callbacks (so LangSmith as well), and one hook for figures.

In come stages and reports, out go runs and numbers, to whoever was named: ids, counts and kinds of errors, never what
somebody said. Nothing is sent anywhere by itself. Trouble in a callback or a hook is logged and never reaches a
consolidation.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from langchain_core.callbacks import CallbackManager
from langchain_core.callbacks.manager import CallbackManagerForChainRun

from langchain_selfparam.records import ConsolidationReport, Episode

logger = logging.getLogger(__name__)

MetricHook = Callable[[str, float, Mapping[str, str]], None]
"""``hook(name, value, attributes)``; names and units as OpenTelemetry has them, durations in seconds."""


class Tracer:
    """Watches consolidations.

    Args:
        callbacks: LangChain callback handlers or a manager; ``None`` for those that the environment sets up, such as
            LangSmith's.
        metrics: Given every figure; ``None`` for nobody.
    """

    def __init__(self, callbacks: Any = None, metrics: MetricHook | None = None) -> None:
        self._callbacks = callbacks
        self._metrics = metrics

    @contextlib.contextmanager
    def watching(self, episode: Episode) -> Iterator[_Run]:
        """Trace one consolidation; see ``protocols.Watcher``.

        Args:
            episode: What is learned.

        Yields:
            _Run: What hears of its stages.
        """
        run = _Run(self._callbacks, self._metrics, episode)
        try:
            yield run
        except BaseException as error:
            run.failed(error)
            raise
        run.close()


class _Run:
    def __init__(self, callbacks: Any, metrics: MetricHook | None, episode: Episode) -> None:
        self._metrics = metrics
        self._attributes = {"namespace": "/".join(episode.namespace)}
        self._outputs: dict[str, Any] = {}
        self._stage = ""
        self._child: CallbackManagerForChainRun | None = None
        self._root: CallbackManagerForChainRun | None = None
        with _logged("a trace was not begun"):
            manager = CallbackManager.configure(callbacks, inheritable_metadata=dict(self._attributes))
            # Ids, not words: what was said stays in the memory folder.
            given = {"turns": [turn.id for turn in episode.turns], **self._attributes}
            self._root = manager.on_chain_start(None, given, name="consolidate")

    def progress(self, stage: str, done: int, total: int) -> None:
        """Hear that a stage goes on: each is a run of its own."""
        if stage != self._stage and self._root is not None:
            self._end_stage()
            self._stage = stage
            with _logged("a trace was not gone on with"):
                self._child = self._root.get_child().on_chain_start(None, {"steps": total}, name=stage)

    def ended(self, report: ConsolidationReport) -> None:
        """Hear what was done."""
        self._outputs = {
            "version": report.version,
            "held": list(report.held),
            "pending": list(report.pending),
            "lost": list(report.lost),
            "recall": report.recall,
            "drift": report.drift,
            "neighbours_wrong": report.neighbours_wrong,
            "tokens_saved": report.tokens_saved,
            "reasons": len(report.reasons),  # their text quotes what was said
        }
        for stage, seconds in report.seconds.items():
            self._measure("selfparam.consolidation.duration", seconds, stage=stage)
        for name in ("recall", "drift", "neighbours_wrong", "scale", "targets", "tokens_saved"):
            self._measure(f"selfparam.consolidation.{name}", getattr(report, name))
        self._measure("selfparam.turns.held", len(report.held))
        self._measure("selfparam.turns.pending", len(report.pending))
        self._measure("selfparam.turns.lost", len(report.lost))

    def failed(self, error: BaseException) -> None:
        """End with the kind of an error."""
        self._measure("selfparam.consolidation.errors", 1, kind=type(error).__name__)
        with _logged("a trace was not ended"):
            if self._child is not None:
                self._child.on_chain_error(_wordless(error))
            if self._root is not None:
                self._root.on_chain_error(_wordless(error))

    def close(self) -> None:
        """End with what was done."""
        self._end_stage()
        with _logged("a trace was not ended"):
            if self._root is not None:
                self._root.on_chain_end(self._outputs)

    def _end_stage(self) -> None:
        with _logged("a trace was not gone on with"):
            if self._child is not None:
                self._child.on_chain_end({})
        self._child = None

    def _measure(self, name: str, value: float, **more: str) -> None:
        if self._metrics is not None:
            with _logged("a figure was not passed on"):
                self._metrics(name, float(value), {**self._attributes, **more})


def _wordless(error: BaseException) -> Exception:
    """An error of the same name, without text, causes and traceback: any of them may quote what was said."""
    kind = type(error)
    named: type[Exception] = type(kind.__name__, (Exception,), {"__module__": kind.__module__})
    return named()


@contextlib.contextmanager
def _logged(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whoever watches must not stop what is watched
        logger.warning("%s: %s: %s", what, type(error).__name__, error)
