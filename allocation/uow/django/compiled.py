"""Statements that are compiled once for each shape of a queryset.

Note [Compiled statements]
~~~~~~~~~~~~~~~~~~~~~~~~~~
The text of a statement depends on its values in few ways: one may be NULL, a list
has a length, a range may be empty. So the conditions, in which all values stand,
are not kept as text: Django's own lookups compile them each time, with all the
conversions that fields and lookups have. What is kept is the statement around
them, for each combination of the texts of its conditions.

A statement is kept if its parameters are those of its conditions, in their order,
and no others; any other is compiled each time, by Django. They are kept for
each connection (see `kept`), and for each name of the model's table. The router
was asked before: these querysets know their database.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In, IsNull, Lookup
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from allocation.uow.django.kept import kept
from allocation.uow.django.parameters import natural_type

if TYPE_CHECKING:
    from allocation.uow.django.recording import RecordingQuerySet

Shape: TypeAlias = tuple[Any, ...]

_MOST_STATEMENTS: Final = 100
"""Of one shape: with lists of more lengths than that, some are compiled again."""


def fetch(queryset: RecordingQuerySet) -> list[Any] | None:
    """What `queryset` finds; None where it must be asked the plain way."""
    connection = connections[queryset.db]
    # Outside a transaction Django refuses to lock, in words of its own.
    if not connection.in_atomic_block:
        return None
    model = queryset.model
    key = (queryset.plain_class, model, model._meta.db_table, queryset.shape)
    try:
        return kept(connection, key, lambda: _Question(connection)).fetch(queryset)
    except (EmptyResultSet, FullResultSet):
        return None  # a condition that holds never, or always: Django leaves it out


class _Question:
    """What querysets of one shape ask, with any values."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._first: _Statement | None = None
        self._statements: dict[tuple[str, ...], _Statement] = {}

    def fetch(self, queryset: RecordingQuerySet) -> list[Any] | None:
        if self._first is None:
            self._first = _Statement(queryset, self._connection)
        conditions = self._first.conditions(queryset.given)
        if conditions is None:
            return None
        texts, params = conditions
        statement = self._statements.get(texts)
        if statement is None:
            if len(self._statements) >= _MOST_STATEMENTS:
                self._statements.clear()
            statement = self._statements[texts] = _Statement(queryset, self._connection)
            statement.reusable = statement.consists_of(texts, params)
        return statement.fetch(params) if statement.reusable else None


class _Statement:
    """A plain queryset that is built and compiled, to be run with other parameters."""

    reusable = False

    def __init__(self, queryset: RecordingQuerySet, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        plain = queryset.build(_Query(queryset.model))
        self._query = cast("_Query", plain.query)
        self._compiler = self._query.get_compiler(connection=connection)
        self._sql, self._params = self._compiler.as_sql()
        # Else Django has made something else of them, such as a subquery.
        direct = [(type(value), value) for value in queryset.given] == [
            (type(value), value) for value, _ in self._query.lookups
        ]
        self._conditions = (
            [_Condition(lookup, self._compiler) for _, lookup in self._query.lookups]
            if direct
            else None
        )
        self._query.ready = self._compiler
        converters = self._compiler.get_converters([column for column, *_ in self._compiler.select])
        vars(self._compiler)["get_converters"] = lambda _columns: converters
        # As the queryset itself gets them.
        self._rows = cast("Iterable[Any]", plain._iterable_class(plain))  # noqa: SLF001

    def conditions(self, values: Sequence[Any]) -> tuple[tuple[str, ...], list[Any]] | None:
        """The texts of the conditions with these values, and their parameters.

        None where Django would not build the same conditions.
        """
        if self._conditions is None:
            return None
        texts: list[str] = []
        params: list[Any] = []
        for condition, value in zip(self._conditions, values, strict=True):
            compiled = condition.compile(value)
            if compiled is None:
                return None
            text, its_params = compiled
            texts.append(text)
            params += its_params
        return tuple(texts), params

    def consists_of(self, texts: Sequence[str], params: Sequence[Any]) -> bool:
        """Whether these conditions stand in it, in their order, and it has no other parameters."""
        at = 0
        for text in texts:
            found = self._sql.find(text, at)
            if found < 0:
                return False
            at = found + len(text)
        return list(self._params) == list(params)

    def fetch(self, params: Sequence[Any]) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(self._sql, params)
            chunks = [cursor.fetchall()]
        # Whoever turns the rows into results asks the compiler for them.
        vars(self._compiler)["execute_sql"] = lambda *_args, **_kwargs: chunks
        results = list(self._rows)
        chunks.clear()  # the statement stays
        return results


class _Condition:
    """One of the conditions of a statement, for any value."""

    def __init__(self, lookup: Lookup[Any], compiler: SQLCompiler) -> None:
        self._lookup = lookup
        self._compiler = compiler
        # Whether a str is its own parameter, and changes nothing else.
        self._takes_str = (
            type(lookup) in (Exact, In)
            and type(lookup.lhs) is _Column
            and natural_type(lookup.lhs.target, compiler.connection) is str
        )
        self._texts: dict[int, str] = {}

    def compile(self, value: Any) -> tuple[str, Sequence[Any]] | None:
        """Its text and its parameters; None where Django would not build the same condition."""
        values = [value] if type(self._lookup) is Exact else value
        if not self._takes_str or set(map(type, values)) != {str}:
            lookup = self._lookup_of(value)
            if value is not None and lookup.rhs is None:
                return None  # its field takes the value for NULL
            return self._compiler.compile(lookup)
        params = list(dict.fromkeys(values))
        if len(params) not in self._texts:
            self._texts[len(params)], _ = self._compiler.compile(self._lookup_of(value))
        return self._texts[len(params)], params

    def _lookup_of(self, value: Any) -> Lookup[Any]:
        if value is None:  # it asks for NULL as it is
            return self._lookup
        return type(self._lookup)(self._lookup.lhs, value)


class _Query(Query):
    """A query that notes values and their lookups, in their order, and is given its compiler."""

    def __init__(self, model: type[Model] | None) -> None:
        super().__init__(model)
        self.lookups: list[tuple[object, Lookup[Any]]] = []  # shared by its clones
        self.ready: SQLCompiler | None = None

    def build_lookup(self, lookups: Any, lhs: Any, rhs: Any) -> Any:
        lookup = super().build_lookup(lookups, lhs, rhs)
        noted = copy.copy(lookup)
        if type(lookup.lhs) is Col:
            noted.lhs = _Column(lookup.lhs.alias, lookup.lhs.target, lookup.lhs.output_field)
        # What its field takes for NULL is not what was given: it is asked the plain way.
        nothing = isinstance(lookup, IsNull) and lookups[-1:] != ["isnull"]
        self.lookups.append((None if nothing else rhs, noted))
        return lookup

    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:
        return self.ready or super().get_compiler(*args, **kwargs)


class _Column(Col):
    """A column that is resolved, and compiled once: most of what a condition takes."""

    def resolve_expression(self, *_args: Any, **_kwargs: Any) -> Self:
        return self

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if not hasattr(self, "_text"):
            self._text = super().as_sql(compiler, connection)
        return self._text
