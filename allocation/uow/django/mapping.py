"""How entities stand in the tables of Django models."""

from __future__ import annotations

import copy
import decimal
import enum
import functools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import DatabaseDefault

from allocation.uow.django.parameters import split
from allocation.uow.django.recording import objects
from allocation.uow.errors import MisuseError
from allocation.uow.mapping import UNKNOWN, Key, Mapper, Row, Table

E = TypeVar("E")
M = TypeVar("M", bound=models.Model)

Found = tuple[Key, list[tuple[Table, Row]], E | None]
"""What was read of an entity: its key, its rows, and the object itself where the ORM made it."""

# Values of these fields cannot be changed in place; any other is copied for a snapshot.
_IMMUTABLE: Final = (
    models.BooleanField,
    models.CharField,
    models.DateField,
    models.DecimalField,
    models.DurationField,
    models.FloatField,
    models.GenericIPAddressField,
    models.IntegerField,
    models.TextField,
    models.TimeField,
    models.UUIDField,
)


class UnsupportedModel(MisuseError):
    """A model that the flush cannot write whole."""


class UnsavedParent(MisuseError):
    """A foreign key refers to something that is neither stored nor going to be."""


class ModelTable(Table):
    """The table of a Django model, or the part of its columns that a mapper needs.

    Columns are named as attributes of the model (`batch_id` for a foreign key
    `batch`). By default all of them are taken, and the key is the primary key.
    Another key must be unique. `version` names an integer that counts the changes
    of a row: one that somebody else has counted up meanwhile is not written. Of
    an aggregate the root has it. `parent` names the column that refers to the
    root's key, in a part of an aggregate that is to be loaded with its root.
    """

    def __init__(
        self,
        model: type[models.Model],
        *columns: str,
        key: Sequence[str] | None = None,
        version: str | None = None,
        parent: str | None = None,
    ) -> None:
        meta = model._meta
        by_attname = {field.attname: field for field in meta.concrete_fields}
        columns = columns or tuple(by_attname)
        key = key or tuple(field.attname for field in meta.pk_fields)
        if unknown := [column for column in columns if column not in by_attname]:
            raise UnsupportedModel(
                f"{model.__name__} has no column {', '.join(unknown)}. "
                f"It has {', '.join(by_attname)}."
            )
        used = (*key, *(name for name in (version, parent) if name is not None))
        if missing := [column for column in used if column not in columns]:
            raise UnsupportedModel(
                f"The key, version and parent of {model.__name__} must be among the columns "
                f"{', '.join(columns)}: {', '.join(missing)} is not."
            )
        super().__init__(meta.label, columns, key, version, _unique(model, columns))
        self.model = model
        self.fields = tuple(by_attname[column] for column in columns)
        _refuse_unwritable(model, self.fields)
        if version is not None and not isinstance(by_attname[version], models.IntegerField):
            raise UnsupportedModel(f"The version of {model.__name__}, {version}, is no integer.")
        self.parent = None if parent is None else columns.index(parent)
        self.key_fields = tuple(by_attname[column] for column in key)
        # Where the database itself deletes or changes those who refer to a deleted row
        # (Django 6.1's DB_CASCADE), they must have gone elsewhere before.
        self.delete_last = any(
            type(relation.on_delete).__name__ == "DatabaseOnDelete"
            for relation in meta.related_objects
        )
        # What the database fills in when it is left out of an INSERT.
        self.optional = tuple(
            position
            for position, column in enumerate(self.fields)
            if isinstance(column, models.AutoField) or column.has_db_default()
        )

        self.texts = {
            position: functools.partial(_json_text, field.encoder)
            for position, field in enumerate(self.fields)
            if isinstance(field, models.JSONField)
        }
        """What tells values apart that are equal to Python, as {"a": 1} and {"a": True} are."""
        self.strict = bool(self.texts)

    def same(self, one: Row, other: Row) -> bool:
        return one == other and all(
            text(one[position]) == text(other[position]) for position, text in self.texts.items()
        )

    def may_become(self, sent: Row, read: Row) -> bool:
        return all(
            old is UNKNOWN or old == new or _may_become(field, old, new)
            for field, old, new in zip(self.fields, sent, read, strict=True)
        )

    def refers_to(self, other: Table) -> bool:
        """Whether a foreign key of this table points at `other`."""
        return isinstance(other, ModelTable) and any(
            field.target_field.model._meta.concrete_model is other.model._meta.concrete_model
            for field in self.fields
            if isinstance(field, models.ForeignKey)
        )


def _unique(model: type[models.Model], columns: Sequence[str]) -> Iterator[list[str]]:
    """The groups of `columns` that the database wants to be unique, at every moment."""
    meta = model._meta
    for field in meta.concrete_fields:
        if field.unique and not field.primary_key and field.attname in columns:
            yield [field.attname]
    groups = [tuple(names) for names in meta.unique_together]
    groups += [tuple(c.fields) for c in meta.total_unique_constraints if c.deferrable is None]
    attnames = {field.name: field.attname for field in meta.concrete_fields}
    for names in groups:
        group = [attnames[name] for name in names]
        if set(group) <= set(columns):
            yield group


def _refuse_unwritable(model: type[models.Model], fields: Iterable[models.Field[Any, Any]]) -> None:
    for field in fields:
        if field.model._meta.concrete_model is not model._meta.concrete_model:
            raise UnsupportedModel(
                f"{model.__name__} inherits {field.attname} from another table. Map it to a plain "
                f"object, with a DjangoMapper that names the columns of each table."
            )
        if field.generated:
            raise UnsupportedModel(
                f"{model.__name__}.{field.attname} is generated by the database: nobody can write "
                f"it. Map the model to a plain object, with a DjangoMapper that names the others."
            )


class DjangoMapper(Mapper[E]):
    """Maps plain objects to the tables of Django models.

    Name `entity_type` and `tables` (ModelTables, the root's first), and say how
    an entity turns into `rows` and back (`entity`).
    """

    tables: Sequence[ModelTable]

    @property
    def loaded_whole(self) -> AbstractSet[Table]:
        return {table for table in self.tables if table.parent is not None}

    def read(self, queryset: models.QuerySet[Any]) -> Iterator[Found[E]]:
        """What the rows of `queryset`, one of the root's model, hold.

        One query, and one more for each part that names its parent, split only
        where the database limits the parameters of one.
        """
        root, *parts = self.tables
        found: dict[Key, list[tuple[Table, Row]]] = {
            root.key_of(row): [(root, row)] for row in queryset.values_list(*root.columns)
        }
        for part in parts:
            if part.parent is None or not found:
                continue
            name = part.columns[part.parent]
            for roots in split([key[0] for key in found], queryset.db):
                rows = objects(part.model, queryset.db).filter(**{f"{name}__in": roots})
                for row in rows.values_list(*part.columns):
                    found[(row[part.parent],)].append((part, row))
        for key, standing_in in found.items():
            yield key, standing_in, None


@functools.cache
def table_of(model: type[models.Model], version: str | None = None) -> ModelTable:
    """The whole table of `model`: one and the same for all who ask."""
    return ModelTable(model, version=version)


class ModelMapper(DjangoMapper[M]):
    """Maps a Django model instance to the one row it stands in."""

    def __init__(self, model: type[M], version: str | None = None) -> None:
        self.entity_type = model
        self._table = table_of(model._meta.concrete_model or model, version)
        self.tables = (self._table,)
        fields = self._table.fields
        self._foreign_keys = [field for field in fields if isinstance(field, models.ForeignKey)]
        self._required = [field for field in self._foreign_keys if not field.null]
        self._mutable = [
            position for position, field in enumerate(fields) if not _is_immutable(_target(field))
        ]
        # What the store decides, and not the entity.
        self._filled_in = [*self._table.optional]
        if self._table.version is not None:
            self._filled_in.append(self._table.version)
        self._on_write = [field for field in fields if _overrides_pre_save(field)]
        self._keys = [(field.attname, field, _key_type(field)) for field in self._table.key_fields]

    def key(self, entity: M) -> Key:
        state = vars(entity)
        self._settle_key(state)
        return tuple([state[column] for column in self._table.key])

    def _settle_key(self, state: dict[str, Any]) -> None:
        """Let the key be what its fields make of it: as a text it would be another one."""
        for attname, field, type_ in self._keys:
            value = state.get(attname)
            if type(value) is not type_ and value is not None:
                state[attname] = _key_value(field, value)

    def rows(self, entity: M) -> Iterable[tuple[Table, Row]]:
        state = vars(entity)
        self._settle_key(state)
        for field in self._foreign_keys:
            # A parent may be granted its key, or lose it again, after it was assigned.
            if field.is_cached(entity) and (parent := field.get_cached_value(entity)) is not None:
                # Past the descriptor, which would forget the parent.
                key = vars(parent).get(field.target_field.attname, state.get(field.attname))
                state[field.attname] = None if isinstance(key, DatabaseDefault) else key
        try:
            row: Row = tuple([state[column] for column in self._table.columns])
        except KeyError:  # deferred columns: not to be read, that would be a query
            row = tuple(state.get(column, UNKNOWN) for column in self._table.columns)
        return ((self._table, self._copied(row) if self._mutable else row),)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> M:
        [row] = rows[self._table]
        known = {c: v for c, v in zip(self._table.columns, row, strict=True) if v is not UNKNOWN}
        return self.entity_type.from_db(None, list(known), list(known.values()))

    def read(self, queryset: models.QuerySet[M]) -> Iterator[Found[M]]:
        for instance in queryset:
            yield self.key(instance), list(self.rows(instance)), instance

    def stored(self, entity: M, _table: Table, row: Row) -> None:
        self._assign(entity, row, self._filled_in)

    def discarded(self, entity: M, _table: Table, row: Row) -> None:
        self._assign(entity, row, self._filled_in)

    def restore(self, entity: M, rows: Mapping[Table, Sequence[Row]]) -> None:
        [row] = rows[self._table]
        self._assign(entity, row, range(len(row)))

    def mark_stored(self, entity: M, *, stored: bool) -> None:
        entity._state.adding = not stored

    def is_stored(self, entity: M) -> bool:
        return not entity._state.adding

    def keeps(self, entity: object) -> bool:
        # Of a model that inherits from this one's table, half would be stored.
        return (
            isinstance(entity, self.entity_type)
            and entity._meta.concrete_model is self._table.model._meta.concrete_model
        )

    def require_complete(self, entity: M, *, inserted: bool) -> None:
        state = vars(entity)
        # Where NULL is allowed, a row of the same table, or of a circle of tables, may follow.
        for field in self._foreign_keys if inserted else self._required:
            if state.get(field.attname) is None and field.is_cached(entity):
                parent = field.get_cached_value(entity)
                if parent is not None:
                    raise UnsavedParent(
                        f"{entity!r} refers to {parent!r} ({field.name}), which is not stored: "
                        f"add that to its repository, too."
                    )

    @property
    def changes_on_write(self) -> bool:
        return bool(self._on_write)

    def before_write(self, entity: M, *, adding: bool) -> None:
        for field in self._on_write:
            if field.attname in vars(entity):
                setattr(entity, field.attname, field.pre_save(entity, adding))

    def _assign(self, entity: M, row: Row, positions: Iterable[int]) -> None:
        row = self._copied(row)
        for position in positions:
            column, value = self._table.columns[position], row[position]
            if value is UNKNOWN:
                vars(entity).pop(column, None)
            elif vars(entity).get(column, UNKNOWN) != value:
                setattr(entity, column, value)

    def _copied(self, row: Row) -> Row:
        copied = list(row)
        for position in self._mutable:
            copied[position] = copy.deepcopy(row[position])
        return tuple(copied)


def _target(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """The field whose values a foreign key holds; any other is its own."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def _key_type(field: models.Field[Any, Any]) -> type | None:
    """The type of the values that need not be looked at."""
    field = _target(field)
    if isinstance(field, models.UUIDField):
        return uuid.UUID
    return int if isinstance(field, models.IntegerField) else str


def _key_value(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(value, DatabaseDefault):  # equal to that of any other
        return None
    if isinstance(value, enum.Enum):  # equal to its value, with another hash
        value = value.value
    try:
        return _target(field).to_python(value)
    except ValidationError:
        return value  # the database tells


def _json_text(encoder: type[json.JSONEncoder] | None, value: Any) -> Any:
    try:
        return json.dumps(value, cls=encoder)
    except (TypeError, ValueError):
        return value


def _may_become(field: models.Field[Any, Any], sent: Any, read: Any) -> bool:
    """Whether a column that was sent one value may hold the other: what it makes of texts, say."""
    field = _target(field)
    try:
        if isinstance(field, models.JSONField):
            text = json.dumps(sent, cls=field.encoder)
            return bool(json.loads(text, cls=field.decoder) == read)
        sent = field.get_prep_value(sent)
    except (ValidationError, TypeError, ValueError):
        return False
    if isinstance(field, models.DecimalField) and None not in (sent, read):
        return bool(abs(sent - read) < decimal.Decimal(1).scaleb(-field.decimal_places))
    return bool(sent == read)


def _is_immutable(field: models.Field[Any, Any]) -> bool:
    # A field of somebody else's may hold anything, whatever it is derived from.
    ours = type(field).__module__.startswith("django.db.models.fields")
    return ours and isinstance(field, _IMMUTABLE)


def _overrides_pre_save(field: models.Field[Any, Any]) -> bool:
    """Whether saving itself gives the field a value, as `auto_now` does."""
    if isinstance(field, models.DateField | models.TimeField):
        return field.auto_now or field.auto_now_add
    return type(field).pre_save is not models.Field.pre_save
