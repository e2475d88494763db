"""A Unit of Work with explicit commit, and repositories. This package imports no Django.

`allocation.uow.django` puts it on Django's ORM, `allocation.uow.testing` in memory.
"""

from allocation.uow.changes import (
    Bypassed,
    DuplicateKey,
    ExchangedValues,
    KeyChanged,
    VersionNotLoaded,
)
from allocation.uow.errors import ConflictError, MisuseError, UnitOfWorkError
from allocation.uow.log import correlation_id
from allocation.uow.mapping import UNKNOWN, Key, Mapper, Row, Table
from allocation.uow.participants import HooksFailed, Participant, UndoFailed
from allocation.uow.repository import AbstractRepository, Repository, RepositoryNotBound
from allocation.uow.retry import retry
from allocation.uow.states import (
    AlreadyEntered,
    AlreadyLeft,
    NotEntered,
    Reentered,
    State,
    TransactionFailed,
    WrongThread,
)
from allocation.uow.store import Store, UniqueViolation
from allocation.uow.tracking import (
    EntityNotFound,
    ForeignEntity,
    NotTracked,
    StaleEntity,
    UnfaithfulMapper,
    WrongEntityType,
)
from allocation.uow.unit_of_work import (
    AbstractUnitOfWork,
    ConflictingRepositories,
    DiscardedChangesWarning,
    NotCommitted,
    OpenSavepoint,
    ParticipantRefused,
    UnitOfWork,
)

__all__ = [
    "UNKNOWN",
    "AbstractRepository",
    "AbstractUnitOfWork",
    "AlreadyEntered",
    "AlreadyLeft",
    "Bypassed",
    "ConflictError",
    "ConflictingRepositories",
    "DiscardedChangesWarning",
    "DuplicateKey",
    "EntityNotFound",
    "ExchangedValues",
    "ForeignEntity",
    "HooksFailed",
    "Key",
    "KeyChanged",
    "Mapper",
    "MisuseError",
    "NotCommitted",
    "NotEntered",
    "NotTracked",
    "OpenSavepoint",
    "Participant",
    "ParticipantRefused",
    "Reentered",
    "Repository",
    "RepositoryNotBound",
    "Row",
    "StaleEntity",
    "State",
    "Store",
    "Table",
    "TransactionFailed",
    "UndoFailed",
    "UnfaithfulMapper",
    "UniqueViolation",
    "UnitOfWork",
    "UnitOfWorkError",
    "VersionNotLoaded",
    "WrongEntityType",
    "WrongThread",
    "correlation_id",
    "retry",
]
