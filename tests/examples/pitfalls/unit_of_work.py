"""The members of a club and their cards, as model instances."""

from __future__ import annotations

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.pitfalls.models import Card, Member


class ClubUnitOfWork(DjangoUnitOfWork):
    members = DjangoRepository(Member, version="version")
    cards = DjangoRepository(Card)
