"""What student and teacher read of an episode: documents by how often, and by who reads them.

In come documents, out go the parts in which they are read. It knows nothing of what is said in them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from langchain_selfparam.distill.packing import Document, split

_UNRELATED_IN_A_PACK = 48
_UNRELATED_TOKENS = 4096
"""Documents of a pack that share nothing, and their tokens, at most: nothing is read less often in a longer one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Own:
    """What the student reads.

    Attributes:
        always: In every epoch.
        alternating: In every second one, or as another part in each where there are many.
        passing: In one epoch of all, more often where there is little of it.
        replayed: In two epochs, where there are as many.
        steering: Never; what it would say there is looked at after each epoch.
    """

    always: list[Document]
    alternating: list[Document]
    passing: list[Document]
    replayed: list[Document]
    steering: list[Document] = dataclasses.field(default_factory=list)

    def again(self, epochs: int, held_out: Sequence[Document]) -> list[Document]:
        """What is read more than once, with what is held out; none in a single epoch, where nearly all is read once."""
        return [*self.always, *self.alternating, *self.replayed, *self.steering, *held_out] if epochs > 1 else []


@dataclasses.dataclass(frozen=True, slots=True)
class Chunks:
    """What the teacher reads, by rows.

    Attributes:
        told: Documents told of what was said.
        plain: Those to stay as they are served.
        neutral: Those to be as they were before anything was learned.
        probes: Those that show drift.
        calibration: Those that only show what layers read.
    """

    told: list[list[Document]]
    plain: list[list[Document]]
    neutral: list[list[Document]]
    probes: list[list[Document]]
    calibration: list[list[Document]]


def apart(documents: Sequence[Document]) -> list[list[Document]]:
    """Documents in rows, as far as they fit."""
    return split(documents, count=_UNRELATED_IN_A_PACK, tokens=_UNRELATED_TOKENS)
