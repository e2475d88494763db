"""The tables, and the rules of a storage."""

from __future__ import annotations

from django.db import models


class InsufficientQuantity(Exception):
    """More waste was to leave a storage than is in it. Carries `storage`, `there` and `wanted`."""

    def __init__(self, storage: str, there: int, wanted: int) -> None:
        self.storage = storage
        self.there = there
        self.wanted = wanted
        super().__init__(f"{storage} holds {there} t of waste, {wanted} t were to leave it.")


class Organisation(models.Model):
    """Whoever has waste."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Storage(models.Model):
    """Where an organisation keeps its waste, in tonnes."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    name = models.CharField(max_length=100, unique=True)
    quantity = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name

    def give(self, quantity: int, other: Storage) -> Transfer:
        """Let so much go to another storage. Raises ValueError, and InsufficientQuantity."""
        if quantity < 1 or other is self:
            raise ValueError(f"{quantity} t from {self} to {other} is no transfer.")
        if quantity > self.quantity:
            raise InsufficientQuantity(self.name, self.quantity, quantity)
        self.quantity -= quantity
        other.quantity += quantity
        return Transfer(source=self, target=other, quantity=quantity)


class Transfer(models.Model):
    """That waste went from one storage to another."""

    source = models.ForeignKey(Storage, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Storage, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} t from {self.source_id} to {self.target_id}"
