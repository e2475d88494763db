"""Whatever is done in whatever order: what is committed is what a plain dict would hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from allocation.uow.testing.contract import Subject
from tests.conftest import Fetch
from tests.kernel.test_contract import InMemory, ModelInstances, PlainObjects

NAMES = [f"n{number}" for number in range(6)]


class Undo(Exception):  # no error, but a wish
    """Leaves a savepoint so that it is undone."""


class Machine(RuleBasedStateMachine):
    """Drives a unit of work and a dict side by side.

    `now` is what the block should see, by name; `committed` what others should.
    """

    subject: Callable[[], Subject]

    def __init__(self) -> None:
        super().__init__()
        self.under_test = type(self).subject()
        self.uow = self.under_test.factory()
        self.uow.__enter__()
        self.repository = self.under_test.repository(self.uow)
        self.committed: dict[str, int] = {}
        self.now: dict[str, int] = {}
        self.savepoints: list[tuple[AbstractContextManager[Any], dict[str, int]]] = []
        self.checked = True

    def found(self) -> dict[str, Any]:
        """The entities as a query finds them, by name: whatever they are called inside."""
        entities = {}
        for entity in self.repository.list():
            name = getattr(entity, "name", None) or entity.owner
            entities[name] = entity
        return entities

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 99))
    def add(self, name: str, number: int) -> None:
        if name not in self.now:
            entity = self.under_test.make(name)
            self.under_test.set_number(entity, number)
            self.repository.add(entity)
            self.now[name] = number

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 99))
    def change(self, name: str, number: int) -> None:
        if name in self.now:
            self.under_test.set_number(self.found()[name], number)
            self.now[name] = number

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if name in self.now:
            self.repository.remove(self.found()[name])
            del self.now[name]

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 99))
    def replace(self, name: str, number: int) -> None:
        """Another entity takes over the unique value of a removed one, in one flush."""
        if name in self.now:
            self.repository.remove(self.found()[name])
            del self.now[name]
            self.add(name=name, number=number)

    @rule()
    def flush(self) -> None:
        self.uow.flush()

    @precondition(lambda self: len(self.savepoints) < 3)
    @rule()
    def savepoint(self) -> None:
        savepoint = self.uow.savepoint()
        savepoint.__enter__()
        self.savepoints.append((savepoint, deepcopy(self.now)))

    @precondition(lambda self: self.savepoints)
    @rule(keep=st.booleans())
    def leave_savepoint(self, keep: bool) -> None:
        savepoint, before = self.savepoints.pop()
        if keep:
            savepoint.__exit__(None, None, None)
        else:
            assert not savepoint.__exit__(Undo, Undo(), None)  # the error goes on
            self.now = before

    @precondition(lambda self: not self.savepoints)
    @rule()
    def commit(self) -> None:
        self.uow.commit()
        self.committed = dict(self.now)
        self.checked = False

    @precondition(lambda self: not self.savepoints)
    @rule()
    def rollback(self) -> None:
        self.uow.rollback()
        self.now = dict(self.committed)
        self.checked = False

    @precondition(lambda self: not self.savepoints)
    @rule()
    def leave_and_enter_again(self) -> None:
        self.uow.rollback()
        self.uow.__exit__(None, None, None)
        self.uow.__enter__()
        self.now = dict(self.committed)
        self.checked = False

    @precondition(lambda self: not self.checked)
    @invariant()
    def others_see_what_was_committed(self) -> None:
        """Through another connection, after every commit and every rollback."""
        assert self.under_test.committed() == self.committed
        self.checked = True

    @rule()
    def look(self) -> None:
        seen = {name: self.under_test.number(entity) for name, entity in self.found().items()}
        assert seen == self.now

    def teardown(self) -> None:
        while self.savepoints:
            self.savepoints.pop()[0].__exit__(None, None, None)
        self.uow.rollback()
        self.uow.__exit__(None, None, None)
        assert self.under_test.committed() == self.committed


def drive(new_subject: Callable[[], Subject]) -> None:
    machine = type("Driven", (Machine,), {"subject": staticmethod(new_subject)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )


def test_in_memory() -> None:
    drive(InMemory)


@pytest.mark.parametrize("kind", [ModelInstances, PlainObjects])
def test_on_a_database(kind: type[Any], alias: str, fetch: Fetch) -> None:
    def empty() -> Subject:
        with connections[alias].cursor() as cursor:
            for table in ("kernel_product", "kernel_itemrow", "kernel_basketrow"):
                cursor.execute(f"DELETE FROM {table}")
        subject: Subject = kind(alias, fetch)
        return subject

    drive(empty)
