"""Looking at a page: at each width, in light and in dark, by machine and by people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.sync_api import Page, ViewportSize

SIZES: Final[dict[str, ViewportSize]] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

_axe = Axe()
# Without the preload, which writes styles into the page, and only serves to find
# pages that refuse to be turned.
_OPTIONS: Final = {"resultTypes": ["violations"], "preload": False}


def look(page: Page, name: str) -> None:
    """Check what must hold of every page, whatever it shows.

    With SCREENSHOTS naming a folder, pictures go there, under this name.
    """
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            _photograph(page, f"{name}-{size}-{scheme}")
            assert_accessible(page)
        assert_fits(page)
    page.set_viewport_size(SIZES["desktop"])


def assert_accessible(page: Page) -> None:
    """axe finds nothing wrong with the page as it is."""
    found = _axe.run(page, options=_OPTIONS)
    assert not found.violations_count, f"{page.url}\n{found.generate_report()}"


def assert_fits(page: Page) -> None:
    """The page itself is not wider than the screen; a table in it may scroll."""
    wide, screen = page.evaluate(
        "[document.scrollingElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= screen, f"{page.url} is {wide} wide on a screen of {screen}."


def _photograph(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
