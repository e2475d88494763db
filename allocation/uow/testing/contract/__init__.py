"""What every unit of work promises, as tests. Numbers refer to the promises in the guide.

Subclass `UnitOfWorkContract` in your tests and give it a fixture `subject`.
"""

from allocation.uow.testing.contract.around import Around
from allocation.uow.testing.contract.lifecycle import Lifecycle
from allocation.uow.testing.contract.savepoints import Savepoints
from allocation.uow.testing.contract.subject import Subject
from allocation.uow.testing.contract.tracking import Tracking
from allocation.uow.testing.contract.versions import Versions

__all__ = ["Subject", "UnitOfWorkContract"]


class UnitOfWorkContract(Lifecycle, Tracking, Versions, Savepoints, Around):
    """Subclass it, and define a fixture `subject` that returns a Subject with an empty store."""
