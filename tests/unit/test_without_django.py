"""Business rules are plain Python functions that know no framework."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

PURE = (
    "allocation.uow",
    "allocation.uow.testing",
    "allocation.domain.model",
    "allocation.domain.stock",
    "allocation.domain.values",
    "allocation.service_layer.repository",
    "allocation.service_layer.services",
    "allocation.service_layer.unit_of_work",
)

IMPORT = f"""
import importlib, sys
for name in {PURE}:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("django", "psycopg")))
"""

WITHOUT_DJANGO = """
import sys

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "django":
            raise ImportError(f"{name}: not here")

sys.meta_path.insert(0, Refuse)

import pytest

sys.exit(pytest.main(sys.argv[1:]))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )


class TestThePureModules:
    def test_import_neither_django_nor_psycopg(self) -> None:
        process = python("-c", IMPORT)

        assert (process.stdout.strip(), process.returncode) == ("", 0), process.stderr


class TestTheUnitTestsOfTheServices:
    def test_run_where_django_is_not_installed(self) -> None:
        process = python(
            "-c",
            WITHOUT_DJANGO,
            *("-p", "no:django", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."),
            *("-q", "tests/unit", "--deselect", "tests/unit/test_without_django.py"),
        )

        assert process.returncode == 0, process.stdout + process.stderr
        assert " passed" in process.stdout
