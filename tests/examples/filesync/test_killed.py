"""A process is killed at every single step of its work, and never leaves a partial file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

import pytest

from tests.conftest import ROOT, DatabaseUrl
from tests.examples.filesync.conftest import NEW, OLD, Docs, digests

# Reads numbers of steps. For each it starts a process that syncs until it is about to take
# that step, and kills itself there; and tells how that one ended. A step is a call of the
# operating system that does something to a file: the interpreter announces them to a profiler.
_VICTIMS: Final = """
import os, signal, sys
from pathlib import Path

import django
django.setup()

from django.db import connections
from tests.examples.filesync.services import sync
from tests.examples.filesync.unit_of_work import SyncUnitOfWork
from uow_project.databases import from_url

alias, url, folder, source = sys.argv[1:]
connections[alias].settings_dict.update(from_url(url))

STEPS = {"open", "write", "flush", "fsync", "chmod", "replace", "rename", "unlink"}

def kill_at(number):
    before = iter(range(1, number))

    def profiler(frame, event, function):
        if event == "c_call" and function.__name__ in STEPS and next(before, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(profiler)

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        kill_at(int(line))
        sync(SyncUnitOfWork(alias), "docs", Path(source))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture
def sync_until(docs: Docs, database_url: DatabaseUrl) -> Iterator[Callable[[int], int]]:
    """Sync the new files in another process up to a step; returns its exit status."""
    with subprocess.Popen(
        [
            *(sys.executable, "-c", _VICTIMS),
            *(docs.alias, database_url(docs.alias), docs.folder, docs.new),
        ],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victims:
        stdin, stdout = victims.stdin, victims.stdout
        assert stdin is not None
        assert stdout is not None

        def until(step: int) -> int:
            stdin.write(f"{step}\n")
            stdin.flush()
            return int(stdout.readline())

        yield until
        stdin.close()


def test_killed_at_any_step_it_leaves_whole_files(
    docs: Docs, sync_until: Callable[[int], int]
) -> None:
    halfway = 0
    for step in count(1):
        docs.sync(docs.old)
        (docs.folder / "c.bin").unlink(missing_ok=True)
        before = docs.catalogue()

        status = sync_until(step)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        files = docs.files()
        for name, content in files.items():
            assert content in (OLD.get(name), NEW[name])
        # None is in place before the catalogue is safe; after that, some may not be.
        if docs.catalogue() == digests(NEW):
            halfway += files not in (OLD, NEW)
        else:
            assert docs.catalogue() == before
            assert files == OLD

        # Whatever it was in the middle of, the next run completes it.
        docs.sync(docs.new)
        assert docs.files() == NEW
        assert docs.catalogue() == digests(NEW)
    assert halfway
