from __future__ import annotations

import dataclasses
from typing import Any

from django.core.management.base import CommandError

from allocation import bootstrap
from allocation.management.base import AllocationCommand
from allocation.management.output import table


class Command(AllocationCommand):
    help = (
        "Derive every number that is stored twice from the order lines again, and report what "
        "disagrees. The exit status is 1 if anything does."
    )
    examples = "audit_stock"

    def handle(self, *, database: str, **options: Any) -> None:
        found = list(bootstrap.audit(database))
        if found:
            rows = [(d.reference, d.what, d.stored, d.found) for d in found]
            text = table(("batch", "what", "stored", "derived"), rows)
        else:
            text = "Every number agrees with the order lines."
        self.answer(options, text, [dataclasses.asdict(discrepancy) for discrepancy in found])
        if found:
            raise CommandError(f"Numbers that disagree with the order lines: {len(found):,}.")
