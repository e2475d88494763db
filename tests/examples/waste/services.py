"""The use cases. The unit of work comes last, so that `partial` leaves what `retry` asks for."""

from __future__ import annotations

from tests.examples.waste.models import Organisation, Storage, Transfer
from tests.examples.waste.unit_of_work import WasteUnitOfWork


def create_organisation(
    name: str, storage: str, quantity: int, uow: WasteUnitOfWork
) -> Organisation:
    """Create an organisation together with its first storage.

    Raises UniqueViolation when one of the names is taken.
    """
    with uow:
        organisation = Organisation(name=name)
        uow.organisations.add(organisation)
        uow.storages.add(Storage(organisation=organisation, name=storage, quantity=quantity))
        uow.commit()
    return organisation


def transfer_waste(source: str, target: str, quantity: int, uow: WasteUnitOfWork) -> Transfer:
    """Bring so many tonnes from one storage to another.

    Raises EntityNotFound for a missing storage, InsufficientQuantity, ValueError for what is
    no transfer, and StaleEntity when somebody else changed a storage meanwhile: try again.
    """
    with uow:
        giving, taking = uow.storages.named(source), uow.storages.named(target)
        transfer = giving.give(quantity, taking)
        uow.transfers.add(transfer)
        uow.commit()
    return transfer
