"""From a database URL to Django's settings for that database."""

from typing import Any

import dj_database_url
from dj_database_url import DBConfig

SQLITE_OPTIONS: dict[str, Any] = {
    # Readers do not wait for the writer, nor the writer for readers.
    "init_command": "PRAGMA journal_mode=WAL",
    # A deferred transaction that reads and then writes fails at once when
    # another one wrote in between, whatever the timeout: the write lock is
    # asked for at BEGIN instead, where waiting helps.
    "transaction_mode": "IMMEDIATE",
    # Seconds to wait for that lock. SQLite does not queue those who wait, so
    # the unlucky one among several writers needs far more than the default 5.
    "timeout": 30,
}


def from_url(url: str, *, conn_max_age: int = 0) -> DBConfig:
    """Return the entry of DATABASES for `url`.

    Options in the query of the URL win over the ones set here. A connection
    may serve for `conn_max_age` seconds before it is opened anew, and is
    tested once a request before it is used again.
    """
    config = dj_database_url.parse(url, conn_max_age=conn_max_age, conn_health_checks=True)
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = SQLITE_OPTIONS | config.get("OPTIONS", {})
    return config
