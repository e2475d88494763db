"""How the guide is built: `make docs`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the Reference is read off the modules

_project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
project = _project["name"]
release = _project["version"]
author = _project["authors"][0]["name"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

# Docstrings are written to be read as they are: `one backquote` is code.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_copyright = False


def code_behind_a_colon(*event: Any) -> None:
    """Mark the indented code behind a colon, which stands in docstrings as in Markdown."""
    lines: list[str] = event[-1]
    for number, line in enumerate(lines[:-2]):
        if line.endswith(":") and not lines[number + 1] and lines[number + 2].startswith("    "):
            lines[number] = f"{line}:"


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", code_behind_a_colon)
