"""Repositories over the managers of Django models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models

from allocation.uow.django.mapping import DjangoMapper, ModelMapper
from allocation.uow.django.recording import objects
from allocation.uow.errors import MisuseError
from allocation.uow.mapping import Key
from allocation.uow.repository import Repository
from allocation.uow.tracking import EntityNotFound

if TYPE_CHECKING:
    from allocation.uow.django.unit_of_work import DjangoUnitOfWork

E = TypeVar("E")


class WrongDatabase(MisuseError):
    """A query on another database than that of the unit of work."""


class DjangoRepository(Repository[E]):
    """A repository of Django model instances, or of plain objects with a mapper.

    `DjangoRepository(Order)` is all it takes for a model. With `version`, the
    name of an integer field that counts the changes, stale instances are
    refused; a mapper names it in its table. Finders are methods of a subclass,
    named after the business, over `find`:

        class Orders(DjangoRepository[Order]):
            def open(self) -> list[Order]:
                return self.find(self.objects.filter(status="open"))
    """

    mapper: DjangoMapper[E]

    def __init__(self, source: type[E] | DjangoMapper[E], *, version: str | None = None) -> None:
        if not isinstance(source, DjangoMapper):
            model = cast("type[models.Model]", source)
            source = cast("DjangoMapper[E]", ModelMapper(model, version))
        super().__init__(source)

    @property
    def uow(self) -> DjangoUnitOfWork:
        """The unit of work this repository belongs to."""
        return cast("DjangoUnitOfWork", super().uow)

    @property
    def objects(self) -> models.QuerySet[Any]:
        """The model's manager, on the database of the unit of work."""
        return objects(self.mapper.tables[0].model, self.uow.using)

    def add(self, entity: E, /) -> None:
        super().add(entity)
        if isinstance(entity, models.Model):
            entity._state.db = self.uow.using

    def list(self) -> Sequence[E]:
        """All of them, in the order of their keys."""
        return self.find(self.objects.order_by(*self.mapper.tables[0].key))

    def find(self, queryset: models.QuerySet[Any]) -> Sequence[E]:
        """The entities that `queryset` finds, after a flush, so that it sees what is pending.

        Each is the object that is already known here, where there is one. What
        was read with a lock is as fresh as the lock.
        """
        self.uow.flush()
        return self._read(queryset)

    def _fetch(self, key: Key) -> Sequence[E]:
        names = self.mapper.tables[0].key
        return self._read(self.objects.filter(**dict(zip(names, key, strict=True))))

    def _read(self, queryset: models.QuerySet[Any]) -> Sequence[E]:
        if queryset.db != self.uow.using:
            raise WrongDatabase(
                f"This query runs on the database {queryset.db!r}, the unit of work on "
                f"{self.uow.using!r}. Begin it with `self.objects`."
            )
        loaded = (self._load(*found) for found in self.mapper.read(queryset))
        return [entity for entity in loaded if entity is not None]

    def _as_key(self, key: Any) -> Key:
        table = self.mapper.tables[0]
        fields = [table.fields[table.columns.index(name)] for name in table.key]
        values = super()._as_key(key)
        if len(values) != len(fields):
            raise MisuseError(
                f"The key of {table.name} is {', '.join(table.key)}, but {key!r} was given."
            )
        try:
            return tuple(f.to_python(v) for f, v in zip(fields, values, strict=True))
        except ValidationError:
            raise EntityNotFound(self.mapper.entity_type, key) from None
