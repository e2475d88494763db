"""Stands for the API of a haulier, somewhere in the network."""

from __future__ import annotations

import asyncio

from allocation.domain.model import OrderLine


async def confirm(reference: str, line: OrderLine) -> None:
    """Ask whether the line will be fetched from where the batch is. Takes a while."""
    await asyncio.sleep((len(reference) + line.qty) / 1000)
