"""From what was expected to go wrong to a sentence for the person who typed the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from allocation.domain.model import AllocationError
from allocation.domain.values import InvalidValue
from allocation.uow import ConflictError, UniqueViolation

_FORBIDDEN = "42501"  # PostgreSQL's insufficient_privilege
_INTERRUPTED = 130  # 128 + SIGINT


@contextmanager
def explained(using: str) -> Iterator[None]:
    """Raise CommandError for what was expected to go wrong on the database `using`.

    Mistakes of the program pass through.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            "Interrupted. What is stored is whole; run the same command again to go on.",
            returncode=_INTERRUPTED,
        ) from None
    except (AllocationError, InvalidValue) as error:
        raise CommandError(str(error)) from error
    except (ConflictError, UniqueViolation) as error:
        raise CommandError(f"Others were in the way, try again. {error}") from error
    except BrokenPipeError:
        raise  # nobody is there to be told
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{file}{error.strerror or error}.") from error
    except Error as error:
        if sentence := _sentence(error, using):
            raise CommandError(sentence) from error
        raise


def _sentence(error: Error, using: str) -> str | None:
    """What to tell about an error of the database, unless it is a mistake of this program."""
    if _lacks_migrations(using):
        return (
            f'The tables of this app in the database "{using}" are missing or out of date: '
            f"run `manage.py migrate --database {using}`."
        )
    # SQLite says DatabaseError, and nothing more precise, of a file that is no database.
    if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
        reason = str(error).partition("\n")[0]
        return f'The database "{using}" cannot be used: {reason}'
    if getattr(error.__cause__, "sqlstate", None) == _FORBIDDEN:
        return f'The database "{using}" does not allow it: {str(error).strip()}.'
    return None


def _lacks_migrations(using: str) -> bool:
    try:
        executor = MigrationExecutor(connections[using])
    except Error:
        return False
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes("allocation")))
