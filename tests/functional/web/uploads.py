"""Somebody who uploads files, and what they see of it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

BATCHES: Final = b"reference,sku,qty,eta\nb1,LAMP,10,\nb2,LAMP,5,2030-01-31\nb3,SOFA,none,\n"
ORDERS: Final = b"orderid,sku,qty\no1,LAMP,8\no2,LAMP,8\no3,LAMP,-1\n"


class Clerk:
    """Somebody who is signed in."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(self, kind: str, content: bytes, name: str = "file.csv") -> Response:
        """Upload a file; returns the page that comes of it."""
        file = SimpleUploadedFile(name, content, content_type="text/csv")
        url = reverse(f"allocation:upload_{kind}")
        return self.client.post(url, {"file": file}, follow=True)

    def sent(self, kind: str, content: bytes) -> int:
        """Upload a file that can be used; returns its key."""
        page = self.send(kind, content)
        upload: int = page.context["upload"].pk
        return upload

    def look(self, upload: int) -> Response:
        return self.client.get(reverse("allocation:upload", args=[upload]))

    def preview(self, upload: int, **columns: Any) -> Response:
        url = reverse("allocation:preview_upload", args=[upload])
        return self.client.post(url, columns, follow=True)

    def apply(self, upload: int, seen: str | None = None) -> Response:
        """Apply it, having `seen` that preview; by default, the one of now."""
        if seen is None:
            seen = self.look(upload).context["seen"] or ""
        url = reverse("allocation:upload", args=[upload])
        return self.client.post(url, {"seen": seen}, follow=True)

    def rejects(self, upload: int) -> bytes:
        url = reverse("allocation:upload_rejects", args=[upload])
        return self.client.get(url).getvalue()


def counts(page: Response) -> dict[str, str]:
    """The numbers that a page shows of an upload, apart from zeros."""
    pattern = r'<th scope="row">([^<]+)</th><td class="num">([^<]+)</td></tr>'
    return {label: n for label, n in re.findall(pattern, page.text) if n != "0"}


def errors(page: Response) -> list[str]:
    """The errors that a page shows."""
    return [unescape(error) for error in re.findall(r"errorlist[^>]*><li>(.*?)</li>", page.text)]


def told(page: Response) -> list[str]:
    """The messages at the top of a page."""
    # Not from its context: where several threads have clients, they mix these up.
    return [unescape(text) for text in re.findall(r'role="(?:status|alert)">(.*?)</p>', page.text)]
