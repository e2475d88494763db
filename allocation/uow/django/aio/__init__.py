"""The unit of work for async code, on asyncio."""

from allocation.uow.django.aio.lease import PoolClosed, PoolTimeout
from allocation.uow.django.aio.pool import Pool, close_pools, default_pool
from allocation.uow.django.aio.retry import aretry
from allocation.uow.django.aio.unit_of_work import AsyncUnitOfWork

__all__ = [
    "AsyncUnitOfWork",
    "Pool",
    "PoolClosed",
    "PoolTimeout",
    "aretry",
    "close_pools",
    "default_pool",
]
