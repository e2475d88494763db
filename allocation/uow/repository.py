"""Repositories: the collections of entities that a unit of work gives access to."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from allocation.uow.errors import MisuseError
from allocation.uow.mapping import Key, Mapper, Row, Table
from allocation.uow.tracking import EntityNotFound

if TYPE_CHECKING:
    from allocation.uow.unit_of_work import UnitOfWork

E = TypeVar("E")


class AbstractRepository(ABC, Generic[E]):
    """What a service may rely on. A fake for tests needs no more than these three.

    There is no `save`: that is the unit of work's.
    """

    @abstractmethod
    def add(self, entity: E, /) -> None:
        """Put a new entity in."""

    @abstractmethod
    def get(self, key: Any, /) -> E:
        """The entity with this key. Raises a LookupError that names the key when there is none."""

    @abstractmethod
    def list(self) -> Sequence[E]:
        """All of them."""


class RepositoryNotBound(MisuseError):
    """A repository was used without a unit of work."""


class Repository(AbstractRepository[E]):
    """A repository whose entities are tracked by its unit of work.

    Declared on the class of a unit of work, it is reached through an instance
    of that: `orders = DjangoRepository(Order)`, then `uow.orders`. What it
    gives out is watched: change it, and the next flush writes the difference.
    """

    def __init__(self, mapper: Mapper[E]) -> None:
        self.mapper = mapper
        self._uow: UnitOfWork | None = None
        self._name = type(self).__name__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, uow: UnitOfWork | None, owner: type) -> Self:
        if uow is None:
            return self
        bound = copy.copy(self)
        bound._uow = uow  # noqa: SLF001  # a copy of ourselves
        # Found there from now on, before this descriptor is asked again.
        uow.__dict__[self._name] = bound
        return bound

    @property
    def uow(self) -> UnitOfWork:
        """The unit of work this repository belongs to."""
        if self._uow is None:
            raise RepositoryNotBound(
                f"{type(self).__name__} has no unit of work. Declare it on the class of your unit "
                f"of work and reach it through an instance: `with uow: uow.{self._name}.get(...)`."
            )
        return self._uow

    def add(self, entity: E, /) -> None:
        """Register `entity` as new: the next flush inserts it.

        Adding what is there already changes nothing; adding what was removed
        keeps it. Raises WrongEntityType, and DuplicateKey when another object
        with its key is known here.
        """
        self.uow.tracker.add(self.mapper, entity)

    def remove(self, entity: E, /) -> None:
        """Register `entity` as removed: the next flush deletes it, and it alone.

        One that is new is forgotten. Raises NotTracked for one that was never
        loaded or added here.
        """
        self.uow.tracker.remove(self.mapper, entity)

    def get(self, key: Any, /) -> E:
        """The entity with this key (a tuple where the key has several columns).

        Asks the store once in a transaction. Raises EntityNotFound.
        """
        wanted = self._as_key(key)
        entity = self.uow.tracker.known(self.mapper, wanted)
        if entity is None:
            found = self._fetch(wanted)
            entity = found[0] if found else None
        if entity is None:
            raise EntityNotFound(self.mapper.entity_type, key)
        return entity

    def _as_key(self, key: Any) -> Key:
        return key if isinstance(key, tuple) else (key,)

    @abstractmethod
    def _fetch(self, key: Key) -> Sequence[E]:
        """Read the entity with this key from the store, as a list of one or none."""

    def _load(
        self, key: Key, rows: Iterable[tuple[Table, Row]], entity: E | None = None
    ) -> E | None:
        """Give what was read to the identity map; None for what was removed here."""
        return self.uow.tracker.load(self.mapper, key, rows, entity)
