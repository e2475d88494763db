"""The application's batches, as instances: without the column that the database fills in."""

from __future__ import annotations

from django.db import models


class BatchRow(models.Model):
    reference = models.CharField(max_length=255, primary_key=True)
    sku = models.CharField(max_length=255)
    purchased_quantity = models.PositiveIntegerField()
    allocated_quantity = models.PositiveIntegerField(default=0)
    lines_taken = models.PositiveBigIntegerField(default=0)
    eta = models.DateField(null=True)

    objects: models.Manager[BatchRow] = models.Manager()

    class Meta:
        managed = False
        db_table = "allocation_batch"

    def __str__(self) -> str:
        return self.reference
