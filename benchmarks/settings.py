"""The project's settings, with the databases that the benchmarks run on."""

from __future__ import annotations

import os

from uow_project import databases
from uow_project.settings import *  # noqa: F403 - the project is measured as it is wired
from uow_project.settings import INSTALLED_APPS as PROJECT_APPS

INSTALLED_APPS = [*PROJECT_APPS, "benchmarks"]
SECRET_KEY = "for the benchmarks"  # noqa: S105 - it protects nothing

_POSTGRESQL = databases.from_url(os.environ["BENCHMARK_POSTGRESQL"])

DATABASES = {
    "default": databases.from_url(os.environ["BENCHMARK_SQLITE"]),
    "postgresql": _POSTGRESQL,
    # The same server, which keeps a statement prepared when it comes for the second time.
    "prepared": {
        **_POSTGRESQL,
        "OPTIONS": {
            **_POSTGRESQL.get("OPTIONS", {}),
            "server_side_binding": True,
            "prepare_threshold": 1,
        },
    },
}
