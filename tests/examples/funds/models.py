"""The tables. What must never be false, the database refuses."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class AccountRow(models.Model):
    number = models.CharField(max_length=34, primary_key=True)
    balance = models.BigIntegerField()
    version = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="account_not_overdrawn")
        ]

    def __str__(self) -> str:
        return self.number


class TransferRow(models.Model):
    source = models.ForeignKey(AccountRow, on_delete=models.PROTECT, related_name="sent")
    target = models.ForeignKey(AccountRow, on_delete=models.PROTECT, related_name="received")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_of_something"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="transfer_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.source_id} to {self.target_id}"
