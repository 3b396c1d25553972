"""Every error that the package raises on purpose.

    SelfParamError
    ├── ConfigError            (ValueError)         a setting that cannot be: mend the setting named in the text
    ├── UnsupportedModelError  (ValueError)         the model cannot be trained exactly here: use another one
    ├── UnreadableModelError   (ValueError)         its files cannot be loaded: see the text for what is wrong
    ├── InputError             (ValueError)         what a chain handed over has the wrong keys
    ├── FolderError            (RuntimeError)       the memory folder cannot be used as it is
    │   ├── FolderLockedError                       another process has it open: close that one first
    │   ├── WrongModelError                         it belongs to another base model: open it with that model
    │   ├── SchemaVersionError                      a newer release wrote it: upgrade the package
    │   └── DamagedLedgerError                      a delta or the database is damaged: see the text for the version
    ├── UnknownVersionError    (LookupError)        no such version: see ``memory.versions``
    ├── UnknownTurnError       (LookupError)        no such turn: see ``memory.turns``
    ├── ConsolidationError     (RuntimeError)       learning failed; served weights, journal and ledger are unchanged
    │   ├── NonFiniteLossError                      the loss was NaN or infinite: lower the learning rate
    │   ├── OutOfMemoryError                        training did not fit: lower ``batch_tokens`` or the rank
    │   ├── NoTargetsError                          the model wrote nothing usable about these turns
    │   │   └── NothingSaidError                    they state nothing
    │   ├── StoppedError                            it was asked to stop, or its time was over: nothing is lost
    │   │   └── CrowdedError                        too many learned at once: it is begun again with fewer
    │   └── AuthorError                             the ``generator`` of the questions failed: see to that one
    └── ClosedError            (RuntimeError)       the memory was closed: open the folder again

Each leaf has a parent from the standard library, so that code that knows nothing of this package can catch it.
"""

from __future__ import annotations


class SelfParamError(Exception):
    """Parent of every error that this package raises on purpose."""


class ConfigError(SelfParamError, ValueError):
    """A setting is out of range or unknown; mend the setting that the text names."""


class UnsupportedModelError(SelfParamError, ValueError):
    """The model cannot be trained exactly (a trained head, no decoder found); use another model."""


class UnreadableModelError(SelfParamError, ValueError):
    """A model's files cannot be loaded (damaged, or of a kind that transformers does not know); give others."""


class InputError(SelfParamError, ValueError):
    """A chain handed over inputs or outputs whose keys do not tell what was said; name the keys."""


class FolderError(SelfParamError, RuntimeError):
    """The memory folder cannot be used as it is; the text says why and what to do."""


class FolderLockedError(FolderError):
    """Another process has the memory folder open; close that process first."""


class WrongModelError(FolderError):
    """The memory folder belongs to another base model; open it with that model or choose another folder."""


class SchemaVersionError(FolderError):
    """A newer release wrote the memory folder; upgrade this package."""


class DamagedLedgerError(FolderError):
    """A delta file or the database does not match the ledger; the text names file and version."""


class UnknownVersionError(SelfParamError, LookupError):
    """There is no such version; ``memory.versions`` lists those there are."""


class UnknownTurnError(SelfParamError, LookupError):
    """There is no such turn; ``memory.turns`` lists those there are."""


class ConsolidationError(SelfParamError, RuntimeError):
    """Learning failed; served weights, journal and ledger are as they were, and the turns are pending."""


class NonFiniteLossError(ConsolidationError):
    """The loss was NaN or infinite; lower the learning rate."""


class OutOfMemoryError(ConsolidationError):
    """Training did not fit into memory; lower ``batch_tokens`` or ``rank``."""


class NoTargetsError(ConsolidationError):
    """The model wrote no usable question about these turns; they stay in the prompt."""


class NothingSaidError(NoTargetsError):
    """The turns state nothing ("Thanks!"): there is nothing of them to be learned."""


class StoppedError(ConsolidationError):
    """Learning was asked to stop, or its time was over; the turns are pending and no attempt was counted."""


class CrowdedError(StoppedError):
    """Learning ended for what was beside it in memory; it is begun again with fewer."""


class AuthorError(ConsolidationError):
    """The ``generator`` that writes the questions failed; the turns are pending and no attempt was counted."""


class ClosedError(SelfParamError, RuntimeError):
    """The memory was closed; open the folder again."""
