from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.crypto import get_random_string

from allocation import bootstrap
from allocation.management import serving
from allocation.management.base import AllocationCommand
from allocation.management.moves import moves, moves_text
from allocation.management.output import summary, table
from allocation.service_layer import bulk, services
from allocation.service_layer.batch_files import read_batches
from allocation.service_layer.csv_files import CsvFile, Reject
from allocation.service_layer.order_files import OrderColumns, read_orders

# The batch that turns out smaller than announced, and what is left of it.
_SHORT_SKU = "RED-CHAIR"
_SHORT_BATCH = "SHIP-HERON-RED-CHAIR"
_SHORT_QTY = 30

_CLERK = "clerk"
_GROUP = "stock clerks"
_PASSWORD_LENGTH = 16


class Command(AllocationCommand):
    help = (
        "Load a sample of a furniture retailer's stock and orders, allocate it, let a batch turn "
        "out smaller than announced, and show what happened; then serve the site on this machine, "
        "with a clerk who can sign in. What is there already stays as it is."
    )
    examples = """
        demo
        demo --port 8001
        demo --no-serve
    """
    formats = ("text",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        site = parser.add_mutually_exclusive_group()
        site.add_argument(
            "--port",
            type=serving.port,
            default=8000,
            help="Where to serve the site. Defaults to 8000.",
        )
        site.add_argument("--no-serve", action="store_true", help="Do not serve the site.")

    def handle(self, *, database: str, port: int, no_serve: bool, **options: Any) -> None:
        if no_serve:
            self._prepare(database)
        elif database != DEFAULT_DB_ALIAS:
            raise CommandError(
                f'The site works on the database "{DEFAULT_DB_ALIAS}" alone: add --no-serve.'
            )
        else:
            with serving.listen(port) as listening:
                self._prepare(database)
                self._title(f"The site is at {serving.url(listening)} until you press Ctrl-C")
                self.stdout.flush()
                serving.serve(listening)

    def _prepare(self, database: str) -> None:
        run = self.runner(database)
        added = self._import(run)
        # Each is decided by itself: the last time may have been stopped half way.
        if orders := self._lacks_orders(database):
            self._allocate(run)
        if short := not bootstrap.quantity_changed(_SHORT_BATCH, database):
            self._shorten(database)
            self._retry(run, database)
        if not (added or orders or short):
            self.stdout.write("The sample is loaded already: what is there stays as it is.")
        self._show_stock(database)
        self._audit(database)
        self._show_clerk(database)

    def _import(self, run: bulk.Runner) -> bool:
        """Whether a batch of the sample was new here."""
        self._title("Stock comes in")
        with _sample("batches.csv") as file:
            report = bulk.import_batches(file, run, reject=_ignore)
        counts = {"batches added": report.added, "there already": report.unchanged}
        if report.conflicts:
            counts["changed since, left as they are"] = report.conflicts
        self.stdout.write(summary(counts))
        return report.added > 0

    def _lacks_orders(self, using: str) -> bool:
        """Whether a line of the sample is neither allocated nor waiting."""
        with _sample("orders.csv") as file:
            keys = read_orders(file, OrderColumns(), _ignore).lines
        with bootstrap.unit_of_work(using) as uow:  # which is left without a commit
            stock = uow.batches.for_lines(keys)
            known = (stock.holder(key) or stock.backlog.line(key) for key in keys)
            return not all(known)

    def _allocate(self, run: bulk.Runner) -> None:
        self._title("Orders are allocated: warehouse first, then the earliest ship")
        rejects: list[Reject] = []
        with _sample("orders.csv") as file:
            report = bulk.allocate_orders(file, run, reject=rejects.append)
        self.stdout.write(
            summary(
                {
                    "rows read": report.read,
                    "merged into a line of the same order and sku": report.merged,
                    "rejected": report.rejected,
                    "lines allocated": report.allocated,
                    "lines allocated already": report.already_allocated,
                    "lines backordered": report.backordered,
                    "lines still waiting": report.still_waiting,
                    "lines waiting, of an unknown sku": report.unknown_sku,
                }
            )
        )
        self._title("Rows that were rejected")
        rows = [(str(reject.row.number), reject.reason) for reject in rejects]
        self.stdout.write(table(("row", "reason"), rows))

    def _shorten(self, using: str) -> None:
        self._title(f"Batch {_SHORT_BATCH} arrives with {_SHORT_QTY} units only")
        placements = self.run_on(using, services.change_batch_quantity, _SHORT_BATCH, _SHORT_QTY)
        moved = moves((placement.line, placement.reference) for placement in placements)
        first = f"Lines that do not fit any more: {len(moved)}."
        self.stdout.write(moves_text(first, moved, nowhere="waits"))

    def _retry(self, run: bulk.Runner, using: str) -> None:
        self._title(f"Backorders of {_SHORT_SKU} are tried again")
        report = bulk.retry_backorders(bootstrap.backorders(using, _SHORT_SKU), run)
        allocated = moves((placed.line, placed.reference) for placed in report.allocated)
        first = f"Allocated: {len(allocated)}. Still waiting: {report.still_waiting}."
        self.stdout.write(moves_text(first, allocated, nowhere="waits"))

    def _show_stock(self, using: str) -> None:
        self._title("The stock of the sample now")
        with _sample("batches.csv") as file:
            references = [batch.reference for _, batch in read_batches(file, _ignore)]
        with bootstrap.unit_of_work(using) as uow:  # which is left without a commit
            rows = [
                (
                    batch.sku,
                    batch.reference,
                    str(batch.eta or "in the warehouse"),
                    batch.purchased_quantity,
                    batch.allocated_quantity,
                    batch.available_quantity,
                )
                for batch in sorted(uow.batches.among(references), key=lambda b: (b.sku, b))
            ]
        self.stdout.write(table(("sku", "batch", "due", "units", "allocated", "free"), rows))

    def _audit(self, using: str) -> None:
        self._title("Every number, derived again from the order lines")
        wrong = sum(1 for _ in bootstrap.audit(using))
        self.stdout.write(f"Numbers that disagree: {wrong}.")

    def _show_clerk(self, using: str) -> None:
        self._title("Who can sign in")
        users = get_user_model()._default_manager.db_manager(using)
        if users.filter(**{get_user_model().USERNAME_FIELD: _CLERK}).exists():
            self.stdout.write(
                f"The user {_CLERK}, with the password of the first time. "
                f"For another one: manage.py changepassword {_CLERK}"
            )
            return
        password = get_random_string(_PASSWORD_LENGTH)
        try:
            group = Group.objects.using(using).get(name=_GROUP)
        except Group.DoesNotExist as error:
            raise CommandError(
                f'There is no group "{_GROUP}" for the user {_CLERK}: a migration made it, '
                "and somebody has removed it since. Add it again in the admin."
            ) from error
        users.create_user(_CLERK, password=password).groups.add(group)
        self.stdout.write(f"User: {_CLERK}\nPassword: {password}, which is shown this once.")

    def _title(self, title: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{title}"))


@contextmanager
def _sample(name: str) -> Iterator[CsvFile]:
    with resources.files("allocation").joinpath("sample", name).open("rb") as stream:
        yield CsvFile(stream)


def _ignore(_: Reject) -> None:
    """Batches that were changed since are counted, and bad orders shown when they are allocated."""
