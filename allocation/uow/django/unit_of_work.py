"""The unit of work on Django's ORM."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

from django.db import DEFAULT_DB_ALIAS

from allocation.uow.django.aio.pool import Pool
from allocation.uow.django.aio.unit_of_work import AsyncUnitOfWork
from allocation.uow.django.store import DjangoStore
from allocation.uow.django.transaction import is_conflict
from allocation.uow.unit_of_work import UnitOfWork


class DjangoUnitOfWork(UnitOfWork):
    """A unit of work over `transaction.atomic`, on the database `using`.

    Declare its repositories on a subclass:

        class ShopUnitOfWork(DjangoUnitOfWork):
            orders = DjangoRepository(Order)

    Entering it raises OuterTransaction inside somebody else's `atomic`, because
    a commit would not be one there; Django's TestCase is the exception.

    With `join` it becomes a part of that transaction. Then commit() flushes and
    keeps the part, which is stored if and when the outer transaction is, and
    hooks wait for that. Leaving the block without commit() undoes the part and
    raises NotCommitted, so that nobody goes on as if it were there.
    """

    store_type: ClassVar[type[DjangoStore]] = DjangoStore

    def __init__(self, using: str = DEFAULT_DB_ALIAS, *, join: bool = False) -> None:
        self.using = using
        super().__init__(self.store_type(using, join=join))

    @classmethod
    def asynchronous(
        cls, *args: Any, pool: Pool | None = None, **kwargs: Any
    ) -> AsyncUnitOfWork[Self]:
        """One for async code, built with these arguments: `async with X.asynchronous() as uow`."""
        return AsyncUnitOfWork(partial(cls, *args, **kwargs), pool=pool)

    def is_conflict(self, error: BaseException) -> bool:
        return super().is_conflict(error) or is_conflict(error)
