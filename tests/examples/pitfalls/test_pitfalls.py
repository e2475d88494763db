"""What goes wrong with transactions in the field, and what comes of it here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from allocation.uow import (
    AlreadyEntered,
    AlreadyLeft,
    ForeignEntity,
    HooksFailed,
    MisuseError,
    NotEntered,
    RepositoryNotBound,
    UniqueViolation,
    WrongThread,
    retry,
)
from allocation.uow.django import DjangoRepository, OuterTransaction
from tests.conftest import Fetch
from tests.examples.pitfalls.guard import InTransaction, refuse_in_transaction
from tests.examples.pitfalls.models import Member
from tests.examples.pitfalls.services import join_club
from tests.examples.pitfalls.unit_of_work import ClubUnitOfWork

Access: TypeAlias = Callable[[ClubUnitOfWork], object]
Emails: TypeAlias = Callable[[], set[str]]

ACCESSES: dict[str, Access] = {
    "get": lambda uow: uow.members.get(1),
    "list": lambda uow: uow.members.list(),
    "add": lambda uow: uow.members.add(Member(email="bob@example.com")),
    "after_commit": lambda uow: uow.after_commit(print),
    "flush": lambda uow: uow.flush(),
    "commit": lambda uow: uow.commit(),
}


class Letters:
    """A mailer that keeps what it was told, and does what a test wants meanwhile."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.sent: list[str] = []
        self._meanwhile = meanwhile

    def welcome(self, email: str) -> None:
        self.sent.append(email)
        self._meanwhile()


@pytest.fixture
def uow(alias: str) -> ClubUnitOfWork:
    """Ann is a member, with the card 1."""
    uow = ClubUnitOfWork(alias)
    join_club(uow, Letters(), "ann@example.com", "1")
    return uow


@pytest.fixture
def emails(alias: str, fetch: Fetch) -> Emails:
    return lambda: {email for (email,) in fetch(alias, "SELECT email FROM pitfalls_member")}


class SavingMembers(DjangoRepository[Member]):
    """As found in the field: it stores at once, and believes that this is for good."""

    def add(self, member: Member, /) -> None:
        with transaction.atomic(using=self.uow.using):
            member.save(using=self.uow.using)


class CarelessUnitOfWork(ClubUnitOfWork):
    members = SavingMembers(Member, version="version")


class TestCommitInARepository:
    """In the field: the first repository has stored the member, the second refuses the card."""

    def test_that_saves_is_none(self, uow: ClubUnitOfWork, alias: str, emails: Emails) -> None:
        with pytest.raises(UniqueViolation):
            join_club(CarelessUnitOfWork(alias), Letters(), "bob@example.com", "1")
        assert emails() == {"ann@example.com"}

    def test_by_the_connection_is_refused(self, uow: ClubUnitOfWork, alias: str) -> None:
        with uow, pytest.raises(TransactionManagementError, match="forbidden"):
            transaction.commit(using=alias)

    def test_by_a_durable_block_is_refused(self, uow: ClubUnitOfWork, alias: str) -> None:
        with (
            uow,
            pytest.raises(RuntimeError, match="durable"),
            transaction.atomic(using=alias, durable=True),
        ):
            pytest.fail("it was entered")

    def test_by_a_unit_of_work_of_its_own_is_refused(self, uow: ClubUnitOfWork, alias: str) -> None:
        with uow, pytest.raises(OuterTransaction), ClubUnitOfWork(alias):
            pytest.fail("it was entered")

    def test_by_its_unit_of_work_is_one(self, uow: ClubUnitOfWork, emails: Emails) -> None:
        """Only a review finds this: a repository has no business with `self.uow.commit()`."""
        with pytest.raises(LookupError), uow:
            uow.members.add(Member(email="bob@example.com"))
            uow.members.uow.commit()
            raise LookupError("the next step fails")
        assert emails() == {"ann@example.com", "bob@example.com"}
        assert uow.has_committed


class TestSharedUnitOfWork:
    """In the field: one session for the whole process, full of what others left in it."""

    def test_starts_clean_after_somebody_failed(self, uow: ClubUnitOfWork, emails: Emails) -> None:
        with pytest.raises(UniqueViolation):
            join_club(uow, Letters(), "eve@example.com", "1")
        join_club(uow, Letters(), "bob@example.com", "2")
        assert emails() == {"ann@example.com", "bob@example.com"}

    def test_reads_again_what_it_had_read_before(
        self, uow: ClubUnitOfWork, alias: str, fetch: Fetch
    ) -> None:
        with uow:
            [before] = uow.members.list()
        fetch(alias, "UPDATE pitfalls_member SET points = 9")
        with uow:
            [after] = uow.members.list()
        assert (before.points, after.points) == (0, 9)

    def test_refuses_a_second_user(self, uow: ClubUnitOfWork, emails: Emails) -> None:
        with uow:
            with pytest.raises(AlreadyEntered, match="Build one for each use case"):
                join_club(uow, Letters(), "eve@example.com", "2")
            uow.members.add(Member(email="bob@example.com"))
            uow.commit()
        assert emails() == {"ann@example.com", "bob@example.com"}

    def test_refuses_another_thread(self, uow: ClubUnitOfWork) -> None:
        errors: list[Exception] = []

        def other() -> None:
            for use in (uow.__enter__, uow.members.list, uow.commit):
                try:
                    use()
                except MisuseError as error:
                    errors.append(error)

        with uow:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert [type(error) for error in errors] == [AlreadyEntered, WrongThread, WrongThread]

    def test_does_not_know_the_entities_of_an_earlier_block(
        self, uow: ClubUnitOfWork, alias: str, fetch: Fetch
    ) -> None:
        """Changing them stores nothing: nobody watches them any more. Adding them is refused."""
        with uow:
            [ann] = uow.members.list()
        with uow:
            ann.points = 9
            with pytest.raises(ForeignEntity, match="Get it from the repository"):
                uow.members.add(ann)
            uow.commit()
        assert fetch(alias, "SELECT points FROM pitfalls_member") == [(0,)]


class TestAccessOutsideTheBlock:
    """In the field: it works, in a transaction nobody opened, and nothing is ever rolled back."""

    @pytest.mark.parametrize("access", ACCESSES.values(), ids=ACCESSES)
    def test_before_it_is_refused(self, access: Access) -> None:
        with pytest.raises(NotEntered, match="with uow"):
            access(ClubUnitOfWork())

    def test_after_it_is_refused(self, uow: ClubUnitOfWork) -> None:
        for access in ACCESSES.values():
            with pytest.raises(AlreadyLeft, match="before the block ends"):
                access(uow)

    def test_without_a_unit_of_work_is_refused(self) -> None:
        with pytest.raises(RepositoryNotBound, match=r"with uow: uow\.members"):
            ClubUnitOfWork.members.get(1)


class TestNetworkInTheTransaction:
    """In the field: the letter is out, the row is not; and everybody waits for the mail server."""

    def test_is_used_when_the_rows_are_safe_and_nobody_waits(
        self, alias: str, emails: Emails, fetch: Fetch
    ) -> None:
        seen: list[set[str]] = []

        def meanwhile() -> None:
            refuse_in_transaction(alias)
            fetch(alias, "UPDATE pitfalls_member SET points = 1")  # would wait for a lock
            seen.append(emails())

        join_club(ClubUnitOfWork(alias), Letters(meanwhile), "ann@example.com", "1")
        assert seen == [{"ann@example.com"}]

    def test_is_not_used_when_nothing_was_stored(self, uow: ClubUnitOfWork) -> None:
        letters = Letters()
        with pytest.raises(UniqueViolation):
            join_club(uow, letters, "bob@example.com", "1")
        assert letters.sent == []

    def test_that_fails_takes_nothing_back_and_is_not_tried_again(
        self, alias: str, emails: Emails
    ) -> None:
        def fail() -> None:
            raise ConnectionError("the mail server is down")

        letters = Letters(fail)
        with pytest.raises(HooksFailed, match="is committed"):
            retry(
                lambda uow: join_club(uow, letters, "ann@example.com", "1"),
                lambda: ClubUnitOfWork(alias),
                also=(HooksFailed,),
            )
        assert letters.sent == ["ann@example.com"]
        assert emails() == {"ann@example.com"}

    def test_can_be_refused_by_whoever_uses_it(self, uow: ClubUnitOfWork, alias: str) -> None:
        letters = Letters(lambda: refuse_in_transaction(alias))
        with pytest.raises(InTransaction, match="after_commit"), uow:
            letters.welcome("ann@example.com")
        letters.welcome("ann@example.com")
