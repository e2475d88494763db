"""No waste is lost, none appears from nowhere, and no organisation is without a storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, connections

from allocation.uow import EntityNotFound, StaleEntity, UniqueViolation, retry
from tests.conftest import Fetch
from tests.examples.waste.models import InsufficientQuantity
from tests.examples.waste.services import create_organisation, transfer_waste
from tests.examples.waste.unit_of_work import WasteUnitOfWork


class Waste:
    """Two organisations, each with a storage, and 10 t in the first."""

    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch
        create_organisation("Smith", "yard", 10, self.uow())
        create_organisation("Jones", "depot", 0, self.uow())

    def uow(self) -> WasteUnitOfWork:
        return WasteUnitOfWork(self.alias)

    def stored(self) -> dict[str, int]:
        return dict(self.fetch(self.alias, "SELECT name, quantity FROM waste_storage"))

    def transfers(self) -> list[tuple[str, str, int]]:
        return self.fetch(
            self.alias,
            "SELECT source.name, target.name, transfer.quantity FROM waste_transfer transfer "
            "JOIN waste_storage source ON source.id = source_id "
            "JOIN waste_storage target ON target.id = target_id",
        )

    def organisations(self) -> set[tuple[str, str]]:
        rows = self.fetch(
            self.alias,
            "SELECT organisation.name, storage.name FROM waste_organisation organisation "
            "LEFT JOIN waste_storage storage ON organisation.id = organisation_id",
        )
        return set(rows)


UNTOUCHED = {"yard": 10, "depot": 0}
UNTOUCHED_ORGANISATIONS = {("Smith", "yard"), ("Jones", "depot")}


@pytest.fixture
def waste(alias: str, fetch: Fetch) -> Waste:
    return Waste(alias, fetch)


class TestCreatingAnOrganisation:
    def test_stores_it_together_with_its_storage(self, waste: Waste) -> None:
        create_organisation("Brown", "quay", 3, waste.uow())

        assert waste.organisations() == UNTOUCHED_ORGANISATIONS | {("Brown", "quay")}
        assert waste.stored() == UNTOUCHED | {"quay": 3}

    def test_stores_nothing_when_its_name_is_taken(self, waste: Waste) -> None:
        with pytest.raises(UniqueViolation):
            create_organisation("Smith", "quay", 3, waste.uow())
        assert waste.organisations() == UNTOUCHED_ORGANISATIONS

    def test_stores_no_organisation_when_the_name_of_the_storage_is_taken(
        self, waste: Waste
    ) -> None:
        with pytest.raises(UniqueViolation):
            create_organisation("Brown", "yard", 3, waste.uow())
        assert waste.organisations() == UNTOUCHED_ORGANISATIONS

    def test_stores_no_organisation_when_the_database_refuses_the_storage(
        self, waste: Waste
    ) -> None:
        with pytest.raises(IntegrityError):
            create_organisation("Brown", "quay", -3, waste.uow())
        assert waste.organisations() == UNTOUCHED_ORGANISATIONS


class TestTransferringWaste:
    def test_changes_both_storages_and_is_kept_on_record(self, waste: Waste) -> None:
        transfer_waste("yard", "depot", 4, waste.uow())

        assert waste.stored() == {"yard": 6, "depot": 4}
        assert waste.transfers() == [("yard", "depot", 4)]

    def test_may_take_all_there_is(self, waste: Waste) -> None:
        transfer_waste("yard", "depot", 10, waste.uow())

        assert waste.stored() == {"yard": 0, "depot": 10}

    def test_of_more_than_there_is_changes_nothing(self, waste: Waste) -> None:
        with pytest.raises(InsufficientQuantity, match="yard holds 10 t of waste, 11 t were"):
            transfer_waste("yard", "depot", 11, waste.uow())
        assert (waste.stored(), waste.transfers()) == (UNTOUCHED, [])

    @pytest.mark.parametrize(("source", "target"), [("yard", "moon"), ("moon", "yard")])
    def test_from_or_to_a_missing_storage_changes_nothing(
        self, waste: Waste, source: str, target: str
    ) -> None:
        with pytest.raises(EntityNotFound, match="no Storage with the key 'moon'"):
            transfer_waste(source, target, 4, waste.uow())
        assert (waste.stored(), waste.transfers()) == (UNTOUCHED, [])

    @pytest.mark.parametrize(("target", "quantity"), [("depot", 0), ("depot", -4), ("yard", 4)])
    def test_that_is_none_changes_nothing(self, waste: Waste, target: str, quantity: int) -> None:
        with pytest.raises(ValueError, match="is no transfer"):
            transfer_waste("yard", target, quantity, waste.uow())
        assert (waste.stored(), waste.transfers()) == (UNTOUCHED, [])


class TestManyAtOnce:
    def test_lose_nothing_when_they_try_again(self, waste: Waste) -> None:
        start = Barrier(5)

        def transfer_all(_client: int) -> None:
            connections[waste.alias].ensure_connection()
            start.wait()
            try:
                for _ in range(2):
                    one_tonne = partial(transfer_waste, "yard", "depot", 1)
                    retry(one_tonne, waste.uow, attempts=50, longest_wait=0.05)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(5) as clients:
            list(clients.map(transfer_all, range(5)))
        assert waste.stored() == {"yard": 0, "depot": 10}
        assert len(waste.transfers()) == 10

    @pytest.mark.django_db(transaction=True, databases=["postgresql"])
    def test_are_refused_when_they_read_what_others_have_changed_since(self, fetch: Fetch) -> None:
        """On PostgreSQL alone: on SQLite one waits until the other has committed."""
        waste = Waste("postgresql", fetch)
        with pytest.raises(StaleEntity, match="Run the use case again"), waste.uow() as uow:
            uow.storages.named("yard").quantity = 5
            with ThreadPoolExecutor(1) as somebody_else:
                somebody_else.submit(self.transfer_elsewhere, waste).result()
            uow.commit()
        assert waste.stored() == {"yard": 9, "depot": 1}

    @staticmethod
    def transfer_elsewhere(waste: Waste) -> None:
        try:
            transfer_waste("yard", "depot", 1, waste.uow())
        finally:
            connections.close_all()
