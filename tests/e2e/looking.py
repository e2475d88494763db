"""Looking at a page: at each width, in light and in dark, by machine and by people."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from axe_playwright_python.base import (  # type: ignore[import-untyped]  # it has no types
    AXE_SCRIPT,
    AxeResults,
)
from playwright.sync_api import Page, ViewportSize

SIZES: Final[dict[str, ViewportSize]] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
# Each with what to ask of axe. In the dark, nothing but the colours is new.
_SCHEMES: Final[dict[Literal["light", "dark"], Mapping[str, Any]]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}

_RUN: Final = "options => axe.run(options)"
# Without the preload, which writes styles into the page, and only serves to find
# pages that refuse to be turned.
_OPTIONS: Final[dict[str, Any]] = {"resultTypes": ["violations"], "preload": False}
# Colours do not change slowly then, which looks like letters too pale to read.
_SETTLE: Final = "document.getAnimations().forEach(animation => animation.finish())"

Known = Mapping[str, str]
"""Rules of axe that some elements break, each with a pattern that the HTML of those has."""


def look(page: Page, name: str, known: Known | None = None) -> None:
    """Check what must hold of every page, whatever it shows.

    With SCREENSHOTS naming a folder, pictures go there, under this name.
    """
    page.wait_for_load_state()
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme, options in _SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            page.evaluate(_SETTLE)
            _photograph(page, f"{name}-{size}-{scheme}")
            assert_accessible(page, known, options)
        assert_fits(page)
    page.set_viewport_size(SIZES["desktop"])


def assert_accessible(
    page: Page, known: Known | None = None, options: Mapping[str, Any] | None = None
) -> None:
    """axe, with these options, finds nothing wrong with the page beyond what is `known`."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    response = page.evaluate(_RUN, {**_OPTIONS, **(options or {})})
    found = [violation for violation in response["violations"] if not _is(known or {}, violation)]
    report = AxeResults({"violations": found}).generate_report()
    assert not found, f"{page.url}\n{report}"


def assert_fits(page: Page) -> None:
    """The page itself is not wider than the screen; a table in it may scroll."""
    wide, screen = page.evaluate(
        "[document.scrollingElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= screen, f"{page.url} is {wide} wide on a screen of {screen}."


def _is(known: Known, violation: Mapping[str, Any]) -> bool:
    pattern = known.get(violation["id"])
    return pattern is not None and all(
        re.search(pattern, node["html"]) for node in violation["nodes"]
    )


def _photograph(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
