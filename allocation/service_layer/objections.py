"""What a service may refuse, in words for the person who asked for it."""

from __future__ import annotations

from typing import Final

from allocation.domain.model import AllocationError
from allocation.domain.values import InvalidValue
from allocation.uow import ConflictError, UniqueViolation

OBJECTIONS: Final = (AllocationError, InvalidValue, ConflictError, UniqueViolation)
"""What a service may raise that is an answer to the person, and no mistake of ours."""


def objection(error: Exception) -> str:
    """What to tell the person about one of the OBJECTIONS."""
    if isinstance(error, ConflictError | UniqueViolation):
        return "Others were changing the same just now. Please send it again."
    return str(error)
