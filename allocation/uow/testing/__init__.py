"""For tests: a unit of work in memory, and the contract that every unit of work must keep.

The contract is in `allocation.uow.testing.contract`; it needs pytest. Nothing
here imports Django.
"""

from allocation.uow.testing.in_memory import (
    InMemoryDatabase,
    InMemoryRepository,
    InMemoryUnitOfWork,
)

__all__ = ["InMemoryDatabase", "InMemoryRepository", "InMemoryUnitOfWork"]
