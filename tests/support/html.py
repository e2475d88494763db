"""What a page says to people and to browsers."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:  # what the test client makes of a response has a name there alone
    from django.test.client import _MonkeyPatchedWSGIResponse as Response


def text(response: Response) -> str:
    """What stands in the main part of a page, without its markup."""
    return " ".join(_Reader(response).words)


def rows(response: Response) -> list[list[str]]:
    """What stands in the bodies of its tables, cell by cell."""
    return [[" ".join(cell) for cell in row] for row in _Reader(response).rows]


def inputs(response: Response) -> dict[str, str]:
    """What a browser would send of its fields, but for the token of the form."""
    sent = _Reader(response).inputs
    return {name: value for name, value in sent.items() if name != "csrfmiddlewaretoken"}


def links(response: Response) -> set[str]:
    """Where the links in the main part of a page lead."""
    reader = _Reader(response)
    return {urljoin(response.request["PATH_INFO"], link) for link in reader.links}


class _Reader(HTMLParser):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.words: list[str] = []
        self.rows: list[list[list[str]]] = []
        self.inputs: dict[str, str] = {}
        self.links: set[str] = set()
        self._in_body = False
        html = response.content.decode()
        self.feed(html[html.index("<main") : html.index("</main>")])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.add(given["href"] or "")
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            default = "on" if given.get("type") == "checkbox" else ""
            self.inputs[given["name"] or ""] = given.get("value") or default
        elif tag == "tbody":
            self._in_body = True
        elif tag == "tr" and self._in_body:
            self.rows.append([])
        elif tag in {"td", "th"} and self._in_body:
            self.rows[-1].append([])

    def handle_endtag(self, tag: str) -> None:
        if tag == "tbody":
            self._in_body = False

    def handle_data(self, data: str) -> None:
        words = data.split()
        self.words += words
        if self._in_body and self.rows and self.rows[-1]:
            self.rows[-1][-1] += words
