"""The pages of the site, from its own configuration: none that is added can be forgotten."""

from __future__ import annotations

from typing import Final

from tests.support.routes import routes

_NO_PAGES: Final = {
    "healthz",  # for machines
    "accounts/logout/",  # nobody sees it: it is sent to
    "admin/login/",  # it leads elsewhere
    "uploads/<int:pk>/rejects/",  # a file
    # As these, of the admin's:
    "admin/logout/",
    "admin/autocomplete/",
    "admin/jsi18n/",
    "admin/r/<path:content_type_id>/<path:object_id>/",
    "admin/<url>",
}
_REDIRECTS: Final = "/<path:object_id>/"  # to the page of that object
_ALL: Final = [
    route for route in routes() if route not in _NO_PAGES and not route.endswith(_REDIRECTS)
]

ACCOUNT: Final = [route for route in _ALL if route.startswith("accounts/")]
ADMIN: Final = [route for route in _ALL if route.startswith("admin/")]
STOCK: Final = [route for route in _ALL if route not in {*ACCOUNT, *ADMIN}]
