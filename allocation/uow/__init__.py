"""A Unit of Work with explicit commit, and repositories. This package imports no Django.

`allocation.uow.django` puts it on Django's ORM, `allocation.uow.testing` in memory.
"""

from allocation.uow.errors import ConflictError, MisuseError, UnitOfWorkError
from allocation.uow.repository import AbstractRepository, Repository, RepositoryNotBound
from allocation.uow.retry import retry
from allocation.uow.tracking import (
    UNKNOWN,
    DuplicateKey,
    EntityNotFound,
    Key,
    KeyChanged,
    Mapper,
    NotTracked,
    Row,
    StaleEntity,
    Table,
    WrongEntityType,
)
from allocation.uow.unit_of_work import (
    AbstractUnitOfWork,
    AlreadyEntered,
    AlreadyLeft,
    NotEntered,
    State,
    Store,
    TransactionFailed,
    UniqueViolation,
    UnitOfWork,
    WrongThread,
)

__all__ = [
    "UNKNOWN",
    "AbstractRepository",
    "AbstractUnitOfWork",
    "AlreadyEntered",
    "AlreadyLeft",
    "ConflictError",
    "DuplicateKey",
    "EntityNotFound",
    "Key",
    "KeyChanged",
    "Mapper",
    "MisuseError",
    "NotEntered",
    "NotTracked",
    "Repository",
    "RepositoryNotBound",
    "Row",
    "StaleEntity",
    "State",
    "Store",
    "Table",
    "TransactionFailed",
    "UniqueViolation",
    "UnitOfWork",
    "UnitOfWorkError",
    "WrongEntityType",
    "WrongThread",
    "retry",
]
