"""The site in a browser.

Note [Sync in async]
Playwright's loop counts as running in this thread for as long as the browser is
there, and Django would refuse to touch a database meanwhile. None of our code
runs in that loop, so Django is told not to mind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, Protocol

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import DatabaseUrl, Fetch
from tests.e2e.looking import SIZES
from tests.e2e.site import Site, served
from tests.integration.shop import DatabaseShop
from tests.support.databases import POSTGRESQL
from tests.support.people import PASSWORD, make_groups, make_user

Serve = Callable[[str], Site]


class OpenPage(Protocol):
    def __call__(self, **options: Any) -> Page: ...


_PATIENCE: Final = 60_000  # milliseconds; whatever takes longer hangs

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(params=[pytest.param(POSTGRESQL, id="postgresql")])
def alias(request: pytest.FixtureRequest) -> str:
    """One database will do: what pages hold is tested on both without a browser."""
    name: str = request.param
    return name


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where it is missing tests are skipped, which fails a run with CI set."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("There is no Chromium on this machine: apt-get install chromium")
    expect.set_options(timeout=_PATIENCE)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # see Note [Sync in async]
        yield playwright.chromium.launch(executable_path=chromium, args=_FLAGS)


@pytest.fixture(scope="package")
def serve(database_url: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serve a test database from the first time that it is asked for until the last test."""
    sites: dict[str, Site] = {}
    with ExitStack() as started:

        def serve(alias: str) -> Site:
            if alias not in sites:
                log = tmp_path_factory.mktemp("site") / f"{alias}.log"
                sites[alias] = started.enter_context(served(database_url(alias), log))
            return sites[alias]

        yield serve


@pytest.fixture
def site(alias: str, serve: Serve) -> Iterator[Site]:
    """The site on the database of the test. What it logs meanwhile must be no error."""
    make_groups(alias)
    site = serve(alias)
    before = len(site.log.read_bytes())
    yield site
    logged = site.log.read_bytes()[before:].decode()
    print(logged)  # noqa: T201 - pytest shows it of a test that fails
    assert " ERROR " not in logged


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[OpenPage]:
    """Open the browser for somebody new, with options of playwright's for its context.

    Nothing may break the content security policy.
    """
    refused: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            refused.append(message.text)

    with ExitStack() as opened:

        def open_page(**options: Any) -> Page:
            context = opened.enter_context(
                browser.new_context(base_url=site.url, viewport=SIZES["desktop"], **options)
            )
            context.set_default_timeout(_PATIENCE)
            page = context.new_page()
            page.on("console", listen)
            return page

        yield open_page
    assert refused == []


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> DatabaseShop:
    """The stock that the site shows."""
    return DatabaseShop(alias, fetch)


@pytest.fixture
def anonymous_page(open_page: OpenPage) -> Page:
    """The browser of somebody who is not signed in."""
    return open_page()


@pytest.fixture
def viewer_page(alias: str, open_page: OpenPage) -> Page:
    """The browser of somebody who may look."""
    return signed_in(open_page(), make_user(alias, "viewer", "stock viewers"))


@pytest.fixture
def clerk_page(alias: str, open_page: OpenPage) -> Page:
    """The browser of somebody who may change stock."""
    return signed_in(open_page(), make_user(alias, "clerk", "stock clerks"))


@pytest.fixture
def other_clerk_page(alias: str, open_page: OpenPage) -> Page:
    """The browser of a second one."""
    return signed_in(open_page(), make_user(alias, "clara", "stock clerks"))


@pytest.fixture
def admin_page(alias: str, open_page: OpenPage) -> Page:
    """The browser of somebody who may do everything."""
    boss = User.objects.db_manager(alias).create_superuser("boss", password=PASSWORD)
    return signed_in(open_page(), boss)


def signed_in(page: Page, user: User) -> Page:
    page.goto("/accounts/login/")
    sign_in(page, user)
    return page


def sign_in(page: Page, user: User) -> None:
    """Fill in the form to sign in."""
    page.get_by_label("Username").fill(user.get_username())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
