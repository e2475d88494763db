"""The page «Test» of the guide: what it shows are tests, and they are collected from here."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.support.pages import Page, rename

with pytest.MonkeyPatch.context() as names:
    rename(names, bank="tests.examples.funds", club="tests.examples.pitfalls")
    Page(ROOT / "docs" / "how-to" / "testing.md").run_all(globals())
