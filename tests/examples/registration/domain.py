"""Users and their confirmations: plain objects, which know no database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class User:
    """Somebody who has registered. Has an id once the unit of work was flushed."""

    email: str
    name: str
    confirmed: bool = False
    id: int | None = None


@dataclass(eq=False)
class Confirmation:
    """What a user sends back to show that the address is theirs."""

    token: str
    user_id: int
