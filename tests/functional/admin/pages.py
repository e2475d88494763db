"""The pages of the admin, by name, and what they show."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

_FIRST_COLUMN = re.compile(r'<th class="field-\w+[^>]*><a[^>]*>(.*?)</a>')
_HIDDEN = re.compile(r'<input type="hidden" name="(seen_\w+|qty)"(?: value="([^"]*)")?')


def url(name: str, *args: object, **query: object) -> str:
    """Such as `url("batch_change", "SHIP-17")`."""
    path = reverse(f"admin:allocation_{name}", args=[quote(str(arg)) for arg in args])
    return f"{path}?{urlencode(query)}" if query else path


def rows(client: Client, model: str, **query: object) -> list[str]:
    """What stands in the first column of a list, from top to bottom."""
    response: Any = client.get(url(f"{model}_changelist", **query))
    assert response.status_code == 200, response.headers
    return [unescape(text) for text in _FIRST_COLUMN.findall(response.content.decode())]


def act(client: Client, model: str, action: str, *keys: object, **data: object) -> Any:
    """Run an action on some rows of a list, and see the page that this leads to."""
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [str(key) for key in keys]}
    return client.post(url(f"{model}_changelist"), chosen | data, follow=True)


def told(response: HttpResponseBase) -> list[str]:
    """The messages on a page, each behind its level."""
    found: Any = response
    return [f"{message.level_tag}: {message}" for message in found.context["messages"]]


def errors(response: HttpResponseBase) -> dict[str, list[str]]:
    """What stands at the fields of a form; at "__all__" what is about all of it."""
    found: Any = response
    assert found.status_code == 200
    return dict(found.context["form"].errors)


def hidden(response: HttpResponseBase) -> dict[str, str]:
    """What a form of a batch sends back beside what is typed."""
    found: Any = response
    return dict(_HIDDEN.findall(found.content.decode()))
