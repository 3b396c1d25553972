"""Several students of one base model, trained in one row.

In come courses and a module that reads rows of all of them, out goes what came of each. Each step reads one row, in
which the students' own rows stand side by side: the base's products are made once for all of them, each student's
factors for its own part. No student sees another, their factors are disjoint, and the gradient of the losses' sum is
each one's own: what each learns is what it learns alone, up to rounding. It pays where the rows of one student leave
the device idle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from langchain_selfparam.distill.lower import beside
from langchain_selfparam.distill.packing import join
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.student import Course, read
from langchain_selfparam.errors import NonFiniteLossError
from langchain_selfparam.records import TrainReport


class Joined(Protocol):
    """A module that reads rows of several students; ``weights.joined.JoinedShadows`` is one."""

    model: object

    def choose(self, students: Sequence[int], tokens: Sequence[int]) -> None:
        """Say whose parts the next row has, and how many tokens each."""
        ...


def train(
    courses: Sequence[Course], joined: Joined, *, reader: Callable[[object], Reader] = Reader
) -> list[TrainReport | NonFiniteLossError]:
    """Take every step of every course, beside each other for as long as they last.

    Args:
        courses: At least one; the numbers of their steps may differ.
        joined: Reads rows of all of them, in the same order.
        reader: Makes its reader.

    Returns:
        The report of each; the error of one whose loss is NaN or infinite, which ends that one alone.
    """
    reading = reader(joined.model)
    failed: dict[int, NonFiniteLossError] = {}
    while going := [at for at, course in enumerate(courses) if at not in failed and course.row is not None]:
        rows = [row for at in going if (row := courses[at].row) is not None]
        joined.choose(going, [row.tokens for row in rows])
        kept = all(courses[at].keeps for at in going)
        lower = beside([courses[at].lower() for at in going]) if kept else None
        hidden_ND = read(reading, join(rows), courses[going[0]].autocast, lower)
        parts = torch.split(hidden_ND, [len(row.answer_ids) for row in rows])
        losses = [courses[at].loss(part) for at, part in zip(going, parts, strict=True)]
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        for at in going:
            if (error := _stepped(courses[at])) is not None:
                failed[at] = error
    return [failed[at] if at in failed else course.report() for at, course in enumerate(courses)]


def _stepped(course: Course) -> NonFiniteLossError | None:
    try:
        course.step()
    except NonFiniteLossError as error:
        return error
    return None
