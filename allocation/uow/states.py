"""Where a unit of work stands, and what it answers to a call that does not fit."""

from __future__ import annotations

import enum
from typing import Final

from allocation.uow.errors import MisuseError, UnitOfWorkError


class State(enum.Enum):
    """Where a unit of work stands. The value completes «This unit of work …»."""

    READY = "has not been entered"
    ACTIVE = "has been entered"
    COMMITTING = "is committing"
    FOLLOWING = "has committed, and what follows is running"
    FAILED = "has failed"
    LEFT = "has been left"


class NotEntered(MisuseError):
    """A unit of work was used before its `with` block."""


class AlreadyEntered(MisuseError):
    """A unit of work was entered a second time before it was left."""


class AlreadyLeft(MisuseError):
    """A unit of work was used after its `with` block."""


class Reentered(MisuseError):
    """A hook or participant used the unit of work that called it, in a way that cannot be."""


class WrongThread(MisuseError):
    """A unit of work was used in another thread than the one that entered it."""


class TransactionFailed(UnitOfWorkError):
    """The transaction cannot be committed any more: something in it failed, and went on.

    Call `rollback()` to start over in the same block, or leave it. What failed
    is the `__cause__`, where it is known.
    """


WORKING: Final = (State.ACTIVE, State.COMMITTING)

WAY_OUT: Final = {
    State.READY: (NotEntered, "Use it in a block: `with uow: ...`."),
    State.ACTIVE: (
        AlreadyEntered,
        "Build one for each use case, or nest in this one: `with uow.savepoint():`.",
    ),
    State.COMMITTING: (
        Reentered,
        "What runs before a commit may change entities, but neither commit nor roll back.",
    ),
    State.FOLLOWING: (Reentered, "What follows a commit needs a unit of work of its own."),
    State.FAILED: (TransactionFailed, "Call `rollback()` to start over, or leave the block."),
    State.LEFT: (AlreadyLeft, "Enter it again, or do the work before the block ends."),
}
