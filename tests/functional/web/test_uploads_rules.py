"""Who may see and apply an upload, and that it is applied once, whoever clicks how often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from allocation import bootstrap
from allocation.models import Upload
from allocation.uow import ConflictError
from tests.conftest import Fetch
from tests.functional.conftest import Allocations
from tests.functional.web.conftest import SignIn, site_on
from tests.functional.web.uploads import BATCHES, ORDERS, Clerk, counts, errors, told

ALLOCATIONS = "SELECT count(*) FROM allocation_historyentry"


@pytest.fixture
def upload(ann: Clerk) -> int:
    return ann.sent("orders", ORDERS)


def copies(upload: int, number: int) -> None:
    """More uploads of the same."""
    sent = Upload.objects.get(pk=upload)
    sent.pk = None
    Upload.objects.bulk_create([copy(sent) for _ in range(number)])


class TestSecondClick:
    def test_changes_nothing(self, alias: str, ann: Clerk, upload: int, fetch: Fetch) -> None:
        seen = ann.look(upload).context["seen"]
        ann.apply(upload, seen)
        before = fetch(alias, "SELECT * FROM allocation_upload"), fetch(alias, ALLOCATIONS)
        page = ann.apply(upload, seen)

        assert told(page) == ["file.csv was taken up already: nothing was done twice."]
        assert counts(page)["Backordered"] == "2"
        after = fetch(alias, "SELECT * FROM allocation_upload"), fetch(alias, ALLOCATIONS)
        assert after == before

    def test_at_the_same_moment_changes_nothing(self, alias: str, ann: Clerk, upload: int) -> None:
        seen = ann.look(upload).context["seen"]
        together = threading.Barrier(4)

        def click() -> list[str]:
            with site_on(alias, connections):
                client = Client()
                client.force_login(User.objects.get(username="ann"))
                together.wait(60)
                url = reverse("allocation:upload", args=[upload])
                page = client.post(url, {"seen": seen}, follow=True)
            connections.close_all()
            return told(page)

        with ThreadPoolExecutor(4) as threads:
            clicks = [threads.submit(click) for _ in range(4)]
        messages = [message for clicked in clicks for message in clicked.result()]

        assert messages.count("file.csv is applied.") == 1
        assert messages.count("file.csv was taken up already: nothing was done twice.") == 3

    def test_while_the_first_is_at_work_changes_nothing(
        self, ann: Clerk, upload: int, allocations: Allocations
    ) -> None:
        Upload.objects.filter(pk=upload).update(claimed_at=timezone.now(), applied_by="bob")
        page = ann.look(upload)
        seen = page.context["seen"]

        assert "It is being applied." in page.text
        assert "Apply it" not in page.text
        assert told(ann.apply(upload, seen)) == [
            "file.csv was taken up already: nothing was done twice."
        ]
        assert told(ann.preview(upload, orderid=0, sku=1, qty=2)) == [
            "file.csv was taken up meanwhile: this is how it stands."
        ]
        assert allocations() == {}

    def test_helps_where_the_first_came_to_no_end(
        self, ann: Clerk, upload: int, allocations: Allocations
    ) -> None:
        long_ago = timezone.now() - timedelta(minutes=11)
        Upload.objects.filter(pk=upload).update(claimed_at=long_ago, applied_by="bob")

        assert told(ann.apply(upload)) == ["file.csv is applied."]
        assert len(allocations()) == 2

    def test_helps_where_others_were_in_the_way_of_the_first(
        self,
        ann: Clerk,
        upload: int,
        monkeypatch: pytest.MonkeyPatch,
        allocations: Allocations,
    ) -> None:
        def conflict(*_: object, **__: object) -> None:
            raise ConflictError

        with monkeypatch.context() as patched:
            patched.setattr(bootstrap, "run", conflict)
            page = ann.apply(upload)

        assert errors(page) == ["Others were changing the same just now. Please send it again."]
        assert told(ann.apply(upload)) == ["file.csv is applied."]
        assert len(allocations()) == 2


class TestPreview:
    def test_that_is_outdated_is_not_applied(
        self, ann: Clerk, upload: int, allocations: Allocations
    ) -> None:
        seen = ann.look(upload).context["seen"]
        ann.preview(upload, orderid=1, sku=0, qty=2)
        page = ann.apply(upload, seen)

        assert "Somebody has previewed this file anew meanwhile" in errors(page)[0]
        assert page.context["seen"] != seen
        assert allocations() == {}
        assert told(ann.apply(upload, page.context["seen"])) == ["file.csv is applied."]

    def test_tells_what_would_happen_with_the_stock_of_now(self, ann: Clerk, upload: int) -> None:
        ann.apply(ann.sent("batches", BATCHES))
        page = ann.preview(upload, orderid=0, sku=1, qty=2)

        assert counts(page)["Allocated"] == "1"

    def test_of_batches_leaves_no_choice(self, ann: Clerk) -> None:
        first = ann.sent("batches", BATCHES)
        ann.apply(ann.sent("batches", BATCHES))
        page = ann.preview(first)

        assert counts(page)["Unchanged"] == "2"

    def test_is_over_once_it_is_applied(self, ann: Clerk, upload: int) -> None:
        ann.apply(upload)
        page = ann.preview(upload, orderid=1, sku=0, qty=2)

        assert told(page) == ["file.csv was taken up meanwhile: this is how it stands."]
        assert page.context["upload"].columns["orderid"] == "orderid"


class TestUpload:
    def test_that_nobody_applies_goes_after_a_day(self, ann: Clerk, upload: int) -> None:
        applied = ann.sent("orders", ORDERS)
        ann.apply(applied)
        begun = ann.sent("orders", ORDERS)
        Upload.objects.update(uploaded_at=timezone.now() - timedelta(hours=25))
        Upload.objects.filter(pk=begun).update(claimed_at=timezone.now())
        fresh = ann.sent("orders", ORDERS)

        assert set(Upload.objects.values_list("pk", flat=True)) == {applied, begun, fresh}
        assert ann.look(upload).status_code == 404
        assert ann.client.post(reverse("allocation:upload", args=[upload])).status_code == 404

    def test_that_was_applied_goes_after_90_days(self, ann: Clerk, upload: int) -> None:
        ann.apply(upload)
        Upload.objects.update(applied_at=timezone.now() - timedelta(days=91))
        fresh = ann.sent("orders", ORDERS)

        assert list(Upload.objects.values_list("pk", flat=True)) == [fresh]

    def test_that_was_applied_keeps_its_rejects_and_not_its_rows(
        self, alias: str, ann: Clerk, upload: int, fetch: Fetch
    ) -> None:
        before = ann.rejects(upload)
        ann.apply(upload)
        [(content,)] = fetch(alias, "SELECT content FROM allocation_upload")

        assert content == b""
        assert ann.rejects(upload) == before

    def test_is_there_for_every_clerk(self, ann: Clerk, upload: int, sign_in: SignIn) -> None:
        bob = Clerk(sign_in("stock clerks", "bob"))

        assert "by ann" in bob.look(upload).text
        assert "by bob" in bob.apply(upload).text
        assert bob.rejects(upload)

    @pytest.mark.parametrize("name", ["upload", "preview_upload", "upload_rejects"])
    def test_may_be_unknown(self, ann: Clerk, name: str) -> None:
        for pk in (1, 2**63, 10**30):
            assert ann.client.get(reverse(f"allocation:{name}", args=[pk])).status_code == 404

    def test_is_listed_page_by_page(self, ann: Clerk) -> None:
        first = ann.sent("orders", ORDERS)
        copies(first, 49)
        last = ann.sent("orders", ORDERS)
        page = ann.client.get(reverse("allocation:uploads"))

        assert page.context["page"].rows[0].pk == last
        assert page.text.count("waits to be applied") == 50
        assert "Next page" in page.text


class TestPermission:
    """See test_access for the rest."""

    def test_to_change_batches_is_none_to_add_them(self, ann: Clerk, sign_in: SignIn) -> None:
        upload = ann.sent("batches", BATCHES)
        bob = Clerk(sign_in("stock clerks", "bob"))
        add = Permission.objects.get(codename="add_batch")
        Group.objects.get(name="stock clerks").permissions.remove(add)
        start = bob.client.get(reverse("allocation:uploads"))

        assert "Preview these orders" in start.text
        assert "Preview these batches" not in start.text
        assert bob.send("batches", BATCHES).status_code == 403
        assert bob.look(upload).status_code == 403
        assert bob.apply(upload, seen="anything").status_code == 403


class TestQueries:
    def test_are_as_many_for_many_uploads_and_rows_as_for_few(
        self,
        alias: str,
        ann: Clerk,
        upload: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        rows = b"".join(b"o%d,LAMP,%d\n" % (n, n % 2) for n in range(2000))
        many = ann.sent("orders", b"orderid,sku,qty\n" + rows)
        copies(many, 30)
        ann.apply(many)

        with django_assert_max_num_queries(5, connection=connections[alias]):
            ann.client.get(reverse("allocation:uploads"))
        for pk in (upload, many):
            with django_assert_max_num_queries(5, connection=connections[alias]):
                ann.look(pk)
            with django_assert_max_num_queries(6, connection=connections[alias]):
                ann.rejects(pk)
