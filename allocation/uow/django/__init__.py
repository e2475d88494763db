"""The unit of work and its repositories on Django's ORM, for PostgreSQL and SQLite."""

from allocation.uow.django.mapping import (
    DjangoMapper,
    ModelTable,
    UnsavedParent,
    UnsupportedModel,
)
from allocation.uow.django.parameters import split
from allocation.uow.django.recording import objects
from allocation.uow.django.repository import DjangoRepository, WrongDatabase
from allocation.uow.django.store import DjangoStore
from allocation.uow.django.transaction import (
    AutocommitDisabled,
    InnerTransaction,
    OuterTransaction,
    UnsupportedDatabase,
)
from allocation.uow.django.unit_of_work import DjangoUnitOfWork
from allocation.uow.django.writing import UnsupportedValue

__all__ = [
    "AutocommitDisabled",
    "DjangoMapper",
    "DjangoRepository",
    "DjangoStore",
    "DjangoUnitOfWork",
    "InnerTransaction",
    "ModelTable",
    "OuterTransaction",
    "UnsavedParent",
    "UnsupportedDatabase",
    "UnsupportedModel",
    "UnsupportedValue",
    "WrongDatabase",
    "objects",
    "split",
]
