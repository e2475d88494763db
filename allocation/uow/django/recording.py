"""Querysets that note what they are asked for, so that equal questions are compiled once.

Note [Recording querysets]
~~~~~~~~~~~~~~~~~~~~~~~~~~
Django builds and compiles a queryset anew each time, which takes longer than to
send it. A repository asks the same few questions with other values, so its
`objects` are querysets that only note which methods were called, with which
values. What they noted is their shape, and `compiled` keeps a statement for
each shape.

They are querysets of the manager's own class, and its manager made them: what a
custom manager or queryset adds is called each time, and noted too. Whoever asks
for anything else than the methods noted here, gives a value of a kind that is
not noted, or looks inside, turns them into what they stand for: the plain queryset,
built by the same calls.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import decimal
import enum
import functools
import uuid
from collections.abc import Callable
from typing import Any, Final, Self, TypeAlias, cast

from django.db.models import Manager, Model, Q, QuerySet
from django.db.models.sql import Query

from allocation.uow.django import compiled

_Call: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]

# Values that stay what they are until the query runs, and make no SQL of their own.
_CONSTANTS: Final = frozenset(
    {
        bool,
        bytes,
        dt.date,
        dt.datetime,
        dt.time,
        dt.timedelta,
        decimal.Decimal,
        float,
        int,
        str,
        type(None),
        uuid.UUID,
    }
)
_COLLECTIONS: Final = frozenset({frozenset, list, set, tuple})
# Compiling a long list of values is nothing against running it, and keeping it is much.
_MOST_VALUES: Final = 100

_SHAPING: Final = (
    "all",
    "defer",
    "distinct",
    "only",
    "order_by",
    "reverse",
    "select_for_update",
    "select_related",
    "values",
    "values_list",
)


class _NotNoted(Exception):
    """Something was given that makes a queryset a plain one."""


def objects(model: type[Model], using: str) -> QuerySet[Any]:
    """What the default manager of `model` gives, on the database `using`."""
    return _recording_manager(model._default_manager).using(using)


@functools.cache
def _recording_manager(manager: Manager[Any]) -> Manager[Any]:
    """A manager like this one, whose querysets are recording ones."""
    recording: Any = copy.copy(manager)
    # Where `Manager.from_queryset()` puts it.
    queryset_class = recording._queryset_class  # noqa: SLF001  # as above
    vars(recording)["_queryset_class"] = _recording_class(queryset_class)
    return cast("Manager[Any]", recording)


@functools.cache
def _recording_class(queryset_class: type[QuerySet[Any]]) -> type[QuerySet[Any]]:
    if queryset_class is QuerySet:
        return RecordingQuerySet
    # What the class overrides comes first, and finds the recording ones as its `super()`.
    name = f"Recording{queryset_class.__name__}"
    return type(name, (queryset_class, RecordingQuerySet), {"plain_class": queryset_class})


class RecordingQuerySet(QuerySet[Any]):
    """See Note [Recording querysets]. It has no more state than is noted here."""

    plain_class: type[QuerySet[Any]] = QuerySet

    def __init__(
        self,
        model: Any = None,
        query: Query | None = None,
        using: str | None = None,
        hints: dict[str, Any] | None = None,
    ) -> None:
        if query is not None:  # somebody knows the question already
            self._be(self.plain_class(model, query, using, hints))
            return
        self.model = model
        self._db = using
        self._hints = hints or {}
        self._for_write = False
        self._result_cache = None
        self._calls: tuple[_Call, ...] = ()
        self.shape: compiled.Shape = ()
        self.given: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        """Whatever else a queryset has: see Note [Recording querysets]."""
        if name.startswith("__"):
            raise AttributeError(name)
        self._become_plain()
        return getattr(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._become_plain()
        return self.__reduce_ex__(protocol)

    def using(self, alias: str | None) -> Self:
        return self._copy(_db=alias)

    def filter(self, *args: Any, **kwargs: Any) -> Any:
        return _filter(self, "filter", args, kwargs)

    def exclude(self, *args: Any, **kwargs: Any) -> Any:
        return _filter(self, "exclude", args, kwargs)

    def noted(self, call: _Call, shape: compiled.Shape, **more: Any) -> Self:
        return self._copy(_calls=(*self._calls, call), shape=(*self.shape, shape), **more)

    def _copy(self, **changed: Any) -> Self:
        copied = self.__class__.__new__(self.__class__)
        vars(copied).update(vars(self), _result_cache=None, **changed)
        return copied

    def _clone(self) -> QuerySet[Any]:
        self._become_plain()
        return self._clone()

    def _fetch_all(self) -> None:
        if self._result_cache is not None:
            return
        found = compiled.fetch(self)
        if found is None:
            self._become_plain()
            self._fetch_all()
        else:
            self._result_cache = found

    def _become_plain(self) -> None:
        plain = self.build(Query(self.model))
        self._be(plain, _result_cache=self._result_cache)

    def _be(self, plain: QuerySet[Any], **kept: Any) -> None:
        cast("Any", self).__class__ = self.plain_class
        self.__dict__ = vars(plain) | kept

    def build(self, query: Query) -> QuerySet[Any]:
        """The plain queryset that this one stands for, on top of an empty `query`."""
        plain = self.plain_class(self.model, query, self._db, self._hints)
        for name, args, kwargs in self._calls:
            # Not those of a class that overrides them: what these made of it was noted.
            plain = getattr(QuerySet, name)(plain, *args, **kwargs)
        return plain


# What is called below as a recording queryset may have become a plain one meanwhile, while
# the arguments were made of it: all_.filter(Exists(all_.annotate(...))).


def _filter(all_: QuerySet[Any], name: str, args: Any, kwargs: Any) -> QuerySet[Any]:
    if isinstance(all_, RecordingQuerySet):
        given = [*all_.given]
        with contextlib.suppress(_NotNoted):
            q = Q(*args, **kwargs)
            shape = _note(q, given)
            return all_.noted((name, (q,), {}), (name, shape), given=given)
    plain: QuerySet[Any] = getattr(QuerySet, name)(all_, *args, **kwargs)
    return plain


def _shaping(name: str) -> Callable[..., QuerySet[Any]]:
    original = getattr(QuerySet, name)

    @functools.wraps(original)
    def noting(all_: QuerySet[Any], *args: Any, **kwargs: Any) -> QuerySet[Any]:
        words = all(map(_is_word, args)) and all(map(_is_word, kwargs.values()))
        if not words or not isinstance(all_, RecordingQuerySet):
            plain: QuerySet[Any] = original(all_, *args, **kwargs)
            return plain
        for_write = all_._for_write or name == "select_for_update"  # noqa: SLF001  # ours
        shape = (name, args, *kwargs.items())
        return all_.noted((name, args, kwargs), shape, _for_write=for_write)

    return noting


for _name in _SHAPING:
    setattr(RecordingQuerySet, _name, _shaping(_name))


def _is_word(value: object) -> bool:
    if type(value) is tuple:
        return all(map(_is_word, value))
    return type(value) in (str, bool, type(None))


def _note(q: Q, values: list[Any]) -> compiled.Shape:
    """The shape of a condition; its values are added to `values`, in Django's order."""
    shape: list[Any] = [q.connector, q.negated]
    for place, child in enumerate(q.children):
        if isinstance(child, Q):
            shape.append(_note(child, values))
        elif isinstance(child, tuple):
            name, value = child
            kind, value = _kind(value)
            q.children[place] = (name, value)
            shape.append((name, kind))
            values.append(value)
        else:
            raise _NotNoted
    return tuple(shape)


def _kind(value: Any) -> tuple[compiled.Shape | type, Any]:
    """What kind of value it is, and the value as it is now, whatever becomes of a list."""
    type_ = type(value)
    if type_ in _CONSTANTS or isinstance(value, enum.Enum):
        return type_, value
    if type_ not in _COLLECTIONS or len(value) > _MOST_VALUES:
        raise _NotNoted
    types = frozenset(map(type, value))
    if not types <= _CONSTANTS:
        raise _NotNoted
    return (type_, types), type_(value)
