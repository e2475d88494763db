"""The use case: a member is told of what is stored, and of nothing else."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from tests.examples.pitfalls.models import Card, Member
from tests.examples.pitfalls.unit_of_work import ClubUnitOfWork


class Mailer(Protocol):
    """Somebody at the other end of a network: slow, and not to be called back."""

    def welcome(self, email: str) -> None: ...


def join_club(uow: ClubUnitOfWork, mailer: Mailer, email: str, card: str) -> None:
    """A member and their card, then a letter.

    Raises UniqueViolation for an e-mail or a card that is taken already, and
    HooksFailed when the member is stored but the letter could not be sent.
    """
    with uow:
        member = Member(email=email)
        uow.members.add(member)
        uow.cards.add(Card(number=card, member=member))
        uow.after_commit(partial(mailer.welcome, email))
        uow.commit()
