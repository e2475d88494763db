"""What every page has in common: who may see it, and what is shown when it goes wrong."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import Permission, User
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponseBase
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects, assertTemplateUsed

from tests.support.html import links

PASSWORD = "correct horse battery staple"  # noqa: S105 - it protects nothing


@pytest.fixture
def clerk(db: None) -> User:
    return User.objects.create_user("ann", password=PASSWORD)


@pytest.mark.django_db
class TestSignIn:
    def test_is_asked_of_strangers_on_every_page(self, client: Client) -> None:
        for path in ("/admin/", reverse("password_change")):
            response = client.get(path, follow=True)
            assertRedirects(response, f"/accounts/login/?next={path}")
            assertContains(response, "Please sign in to see that page.")

    def test_tells_who_is_signed_in_and_may_not_see_a_page(
        self, client: Client, clerk: User
    ) -> None:
        client.force_login(clerk)

        response = client.get("/admin/", follow=True)

        assertContains(response, "You are signed in as ann, who may not see that page.")

    def test_leads_back_to_the_page_that_was_asked_for(self, client: Client, clerk: User) -> None:
        form = {"username": "ann", "password": PASSWORD, "next": reverse("password_change")}

        response = client.post("/accounts/login/", form)

        assertRedirects(response, reverse("password_change"))

    def test_tells_that_the_password_is_wrong(self, client: Client, clerk: User) -> None:
        response = client.post("/accounts/login/", {"username": "ann", "password": "wrong"})

        assertContains(response, "Please enter a correct username and password")

    def test_ends_with_a_post_alone(self, client: Client, clerk: User) -> None:
        client.force_login(clerk)

        assert client.get("/accounts/logout/").status_code == 405
        assertContains(client.post("/accounts/logout/"), "You are signed out")
        assertRedirects(
            client.get("/accounts/password/"), "/accounts/login/?next=/accounts/password/"
        )

    def test_knows_the_new_password(self, client: Client, clerk: User) -> None:
        client.force_login(clerk)
        new = "staple battery horse correct"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

        response = client.post("/accounts/password/", form, follow=True)

        assertContains(response, "Your password is changed")
        assert Client().login(username="ann", password=new)


@pytest.mark.django_db
class TestContentSecurityPolicy:
    @pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere"])
    def test_admits_nothing_inline_and_nothing_from_elsewhere(
        self, client: Client, path: str
    ) -> None:
        policy = client.get(path)["Content-Security-Policy"]

        assert set(policy.split("; ")) == {
            "default-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        }


@pytest.mark.django_db
class TestHealthz:
    def test_is_answered_without_signing_in(self, client: Client) -> None:
        response = client.get("/healthz")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        assert "no-store" in response["Cache-Control"]

    def test_tells_of_missing_migrations(self, client: Client) -> None:
        MigrationRecorder.Migration.objects.filter(app="allocation").delete()

        response = client.get("/healthz")

        assert (response.status_code, response.json()) == (503, {"status": "migrations missing"})

    @override_settings(SECURE_SSL_REDIRECT=True)
    def test_is_not_sent_to_https(self, client: Client) -> None:
        assert client.get("/healthz").status_code == 200
        assert client.get("/admin/").status_code == 301


@pytest.mark.urls("tests.functional.broken_urls")
class TestErrorPage:
    """Each has the site's frame, for those who are signed in and for those who are not."""

    @pytest.fixture(params=["signed in", "signed out"])
    def client(self, request: pytest.FixtureRequest, clerk: User) -> Client:
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        client.force_login(clerk)
        if request.param == "signed out":
            client.logout()
        return client

    def check(self, response: HttpResponseBase, status: int, heading: str) -> None:
        assertTemplateUsed(response, "allocation/base.html")
        assertContains(response, f"<h1>{heading}</h1>", status_code=status, html=True)

    def test_is_for_what_is_not_there(self, client: Client) -> None:
        self.check(client.get("/nowhere"), 404, "There is no such page")

    def test_is_for_forms_without_a_token(self, client: Client) -> None:
        heading = "This form was refused, and nothing was changed"
        self.check(client.post("/form"), 403, heading)

    def test_is_for_hosts_that_are_not_served(self, client: Client) -> None:
        response = client.get("/", headers={"host": "elsewhere.example"})
        self.check(response, 400, "This request cannot be understood")

    def test_is_for_uploads_beyond_the_limit(self, client: Client) -> None:
        with override_settings(BODY_MAX_SIZE=1000):
            response = client.post("/form", {"file": io.BytesIO(bytes(1000))})

        self.check(response, 413, "This upload is too large")
        assertContains(response, "At most 1000\xa0bytes can be sent", status_code=413)


@pytest.mark.urls("tests.functional.broken_urls")
class TestErrorPageForUsers:
    @pytest.fixture
    def client(self, clerk: User) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(clerk)
        return client

    def test_is_for_what_they_may_not_do(self, client: Client) -> None:
        assertContains(client.get("/forbidden"), "You may not do this", status_code=403)

    @pytest.mark.parametrize(
        "path", ["/forbidden", "/nowhere", "/", "/accounts/login/?next=/admin/"]
    )
    def test_leads_nowhere_where_somebody_may_not_go(self, client: Client, path: str) -> None:
        """For somebody without any permission: signing out and the password stand above it."""
        page = client.get(path)

        assert [url for url in links(page) if client.get(url).status_code != 200] == []
        assertContains(page, "Sign out", status_code=page.status_code)
        assertContains(page, reverse("password_change"), status_code=page.status_code)

    def test_leads_to_the_overview_those_who_may_see_it(self, client: Client, clerk: User) -> None:
        clerk.user_permissions.add(Permission.objects.get(codename="view_batch"))

        for path in ("/forbidden", "/nowhere", "/accounts/login/?next=/admin/"):
            assert links(client.get(path)) == {"/"}

    def test_is_for_what_looks_like_an_attack(self, client: Client) -> None:
        response = client.get("/suspicious")
        assertContains(response, "This request cannot be understood", status_code=400)

    def test_is_for_errors_of_ours(self, client: Client) -> None:
        response = client.get("/broken")
        assertContains(response, "Something went wrong on our side", status_code=500)

    def test_lets_uploads_within_the_limit_through(self, client: Client) -> None:
        response = client.post("/form", {"file": io.BytesIO(bytes(1000)), "note": "small"})
        assertContains(response, "1 fields")


def test_the_page_for_our_errors_needs_no_database() -> None:
    assert "Something went wrong on our side" in render_to_string("500.html")
