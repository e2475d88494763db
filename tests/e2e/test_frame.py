"""Signing in and out, and what all pages have in common."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.hands import heading
from tests.e2e.looking import SIZES, assert_accessible, assert_fits, look
from tests.support.people import PASSWORD, make_user


class TestLooking:
    """Else a page could hide what is wrong with it from all the other tests."""

    def test_finds_letters_too_pale_to_read(self, anonymous_page: Page) -> None:
        anonymous_page.goto("/accounts/login/")
        anonymous_page.evaluate("document.querySelector('h1').style.color = '#ccc'")

        with pytest.raises(AssertionError, match="color-contrast"):
            assert_accessible(anonymous_page)

    def test_finds_pages_too_wide_for_a_phone(self, anonymous_page: Page) -> None:
        anonymous_page.set_viewport_size(SIZES["phone"])
        anonymous_page.goto("/accounts/login/")
        anonymous_page.evaluate("document.querySelector('h1').style.minWidth = '500px'")

        with pytest.raises(AssertionError, match="on a screen of 390"):
            assert_fits(anonymous_page)


class TestSigningIn:
    def test_leads_to_the_page_that_was_asked_for(self, alias: str, anonymous_page: Page) -> None:
        make_user(alias, "clerk", "stock clerks")
        anonymous_page.goto("/accounts/password/")
        look(anonymous_page, "sign-in")

        anonymous_page.get_by_label("Username").fill("clerk")
        anonymous_page.get_by_label("Password").fill(PASSWORD)
        anonymous_page.get_by_role("button", name="Sign in").click()

        assert heading(anonymous_page) == "Change your password"

    def test_refuses_a_wrong_password_and_keeps_the_name(self, anonymous_page: Page) -> None:
        anonymous_page.goto("/accounts/login/")
        anonymous_page.get_by_label("Username").fill("clerk")
        anonymous_page.get_by_label("Password").fill("wrong")
        anonymous_page.get_by_role("button", name="Sign in").click()

        expect(anonymous_page.get_by_text("Please enter a correct username")).to_be_visible()
        expect(anonymous_page.get_by_label("Username")).to_have_value("clerk")
        look(anonymous_page, "sign-in-refused")


def test_signing_out_ends_it(clerk_page: Page) -> None:
    clerk_page.get_by_role("button", name="Sign out").click()
    assert heading(clerk_page) == "You are signed out"
    look(clerk_page, "signed-out")

    clerk_page.goto("/accounts/password/")
    assert heading(clerk_page) == "Sign in"


def test_a_password_can_be_changed(clerk_page: Page) -> None:
    clerk_page.get_by_role("link", name="clerk").click()
    clerk_page.get_by_label("Old password").fill("wrong")
    clerk_page.get_by_label("New password:", exact=True).fill("1234")
    clerk_page.get_by_label("New password confirmation").fill("1234")
    clerk_page.get_by_role("button", name="Change password").click()
    look(clerk_page, "password-refused")

    clerk_page.get_by_label("Old password").fill(PASSWORD)
    clerk_page.get_by_label("New password:", exact=True).fill("staple battery horse")
    clerk_page.get_by_label("New password confirmation").fill("staple battery horse")
    clerk_page.get_by_role("button", name="Change password").click()

    assert heading(clerk_page) == "Your password is changed"
    look(clerk_page, "password-changed")


def test_the_navigation_leads_to_pages_and_tells_which_one_is_shown(
    clerk_page: Page, viewer_page: Page
) -> None:
    everybody = ["Overview", "Batches", "Order lines", "Backorders", "History"]
    for page, names in [(viewer_page, everybody), (clerk_page, [*everybody, "Upload"])]:
        navigation = page.get_by_role("navigation", name="Main")
        links = navigation.get_by_role("link")
        assert sorted(links.all_inner_texts()) == sorted(names)
        for name in names:
            links.filter(has_text=re.compile(f"^{name}$")).click()
            expect(navigation.locator("[aria-current]")).to_have_text([name])
            assert heading(page) != "There is no such page"
