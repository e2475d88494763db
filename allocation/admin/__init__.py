"""The admin: for inspecting stock, and for changing it through the services alone.

Numbers are not edited by hand, and nothing is deleted. What changes stock is an
action or a small form of its own, which runs outside the admin's own
transactions: a unit of work must be the one to commit.
"""

from allocation.admin.batches import BatchAdmin
from allocation.admin.history import HistoryEntryAdmin
from allocation.admin.lines import OrderLineAdmin

__all__ = ["BatchAdmin", "HistoryEntryAdmin", "OrderLineAdmin"]
