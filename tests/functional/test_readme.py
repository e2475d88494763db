"""What the README shows is true: its code runs, and so do its commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from tests.conftest import ROOT, DatabaseUrl, Fetch
from tests.kernel import models
from tests.support.pages import Page, commands, rename

README = Page(ROOT / "README.md")


def console_lines(program: str) -> list[list[str]]:
    words = [shlex.split(line) for block in README.blocks("console") for line in commands(block)]
    return [line for line in words if line[0] == program]


@pytest.mark.django_db(transaction=True)
def test_its_python_runs_and_transfers_money(monkeypatch: pytest.MonkeyPatch, fetch: Fetch) -> None:
    rename(monkeypatch, bank="tests.kernel")
    for key, balance in [(1, 500), (2, 0), (3, -7)]:
        models.Account(pk=key, balance=balance).save()

    namespace: dict[str, Any] = {}
    first, *others = README.blocks("python")
    assert len([line for line in first.text.splitlines() if line.strip()]) == 10
    README.run(first, namespace)
    assert balances(fetch) == [(1, 450), (2, 50), (3, -7)]

    for block in others:
        README.run(block, namespace)
    assert balances(fetch) == [(1, 400), (2, 100), (3, -7)]
    namespace["forgive"](namespace["BankUnitOfWork"]())
    assert balances(fetch) == [(1, 400), (2, 100), (3, 0)]


def balances(fetch: Fetch) -> list[tuple[Any, ...]]:
    return fetch("default", "SELECT id, balance FROM kernel_account ORDER BY id")


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {words[1] for words in console_lines("make")}
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_what_it_installs_is_declared() -> None:
    [[*_, requirement]] = console_lines("pip")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, extra = re.fullmatch(r"(.*)\[(.*)\]", requirement).groups()  # type: ignore[union-attr]  # else it fails
    assert name == project["name"]
    assert extra in project["optional-dependencies"]


@pytest.mark.django_db(transaction=True)
def test_its_commands_run(tmp_path: Path, database_url: DatabaseUrl) -> None:
    for name in ("manage.py", "allocation"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = os.environ | {
        "DATABASE_URL": database_url("default"),
        "DJANGO_SETTINGS_MODULE": "uow_project.settings",
    }
    for words in console_lines("python"):
        subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "rejects.csv").exists()
    assert (tmp_path / "allocations.csv").exists()


def test_it_names_every_command() -> None:
    ours = {name for name, app in get_commands().items() if app == "allocation"}
    named = set(re.findall(r"^\| `(\w+)", README.text, re.MULTILINE))
    assert ours - {"demo"} <= named


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.text):
        assert (ROOT / target).exists(), target
