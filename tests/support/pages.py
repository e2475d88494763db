"""Pages of Markdown, whose code is run as a reader would run it."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    line: int
    """The number of its first line, below the fence."""


class Page:
    """A page, and the blocks of code in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """Those in these languages, from top to bottom."""
        return [
            Block(found[1], found[2], self.text.count("\n", 0, found.start(2)) + 1)
            for found in _BLOCK.finditer(self.text)
            if found[1] in languages
        ]

    def run(self, block: Block, namespace: dict[str, Any]) -> None:
        """Execute a block of Python. A traceback names the page and its line."""
        source = "\n" * (block.line - 1) + block.text
        code = compile(source, str(self.path), "exec", dont_inherit=True)
        exec(code, namespace)  # noqa: S102  # our own pages

    def run_all(self, namespace: dict[str, Any]) -> None:
        """Execute all the Python of the page, from top to bottom."""
        for block in self.blocks("python"):
            self.run(block, namespace)


def commands(block: Block) -> list[str]:
    """The commands of a block of a console, which shows nothing else."""
    lines = block.text.splitlines()
    assert all(line.startswith("$ ") for line in lines), block
    return [line.removeprefix("$ ") for line in lines]


def rename(monkeypatch: pytest.MonkeyPatch, **packages: str) -> None:
    """Let packages of ours be imported by the names that they have on a page."""
    for name, real in packages.items():
        package = importlib.import_module(real)
        monkeypatch.setitem(sys.modules, name, package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith(("test_", "conftest")):
                found = importlib.import_module(f"{real}.{module.name}")
                monkeypatch.setitem(sys.modules, f"{name}.{module.name}", found)
