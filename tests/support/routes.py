"""All URLs of the site, from its own configuration: nothing that is added can be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from django.urls import URLPattern, URLResolver, get_resolver

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def routes() -> list[str]:
    """Every route, as it is written: `batch/<name:reference>/`."""
    return list(dict.fromkeys(_routes(get_resolver().url_patterns, "")))


def path(route: str, arguments: Mapping[str, str]) -> str:
    """The path of a route with these arguments, each as it stands in a URL."""
    filled = _PARAMETER.sub(lambda found: arguments[found[1]], route)
    return f"/{filled}"


def _routes(patterns: Sequence[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        # A regular expression, such as the admin's last one, is written as a path would be.
        route = before + _GROUP.sub(r"<\1>", str(pattern.pattern)).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route
