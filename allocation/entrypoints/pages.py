"""What the pages have in common: who may see them, and how they call a service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import FormView
from django.views.generic.base import ContextMixin

from allocation import bootstrap
from allocation.service_layer.bulk import Runner
from allocation.service_layer.objections import OBJECTIONS, objection

if TYPE_CHECKING:
    _FormView = FormView[Any]
else:
    _FormView = FormView  # generic to the type checker alone

T = TypeVar("T")

LOOK = "allocation.view_batch"
WRITE = "allocation.change_batch"

RECENT = 20
"""How much of the history a page shows that is about something else."""


class Page(PermissionRequiredMixin, ContextMixin):
    """Seen by those who may look. Who is not signed in is asked to do so."""

    permission_required: Any = LOOK
    request: HttpRequest
    kwargs: dict[str, Any]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        shown = {"today": timezone.localdate(), "may_write": user.has_perm(WRITE)}
        return super().get_context_data(**kwargs) | shown


class ServiceForm(Page, _FormView, ABC):
    """A form for those who may write: it calls one service, and goes on to another page.

    What the service has against it stands at the form, with all that was typed.
    Sent twice, it does what it did, once: the services see to that.
    """

    permission_required: Any = (LOOK, WRITE)
    blames: ClassVar[Mapping[type[Exception], str]] = {}
    """Which field an error of the service is about. Any other is about the form as a whole."""
    level = messages.SUCCESS
    """What kind of message `act` returns. It may set another one."""

    @abstractmethod
    def act(self, form: Any, /) -> str:
        """Call the service; returns what to tell about it. May add errors to the form itself."""

    @abstractmethod
    def done_url(self) -> str:
        """Where that is to be seen."""

    @property
    def next(self) -> str:
        """The page of this site that the person came from, where the request says so."""
        url = (self.request.POST or self.request.GET).get("next", "")
        safe = url_has_allowed_host_and_scheme(
            url, {self.request.get_host()}, require_https=self.request.is_secure()
        )
        return url if safe else ""

    def get_success_url(self) -> str:
        return self.next or self.done_url()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=self.next, **kwargs)

    @property
    def runner(self) -> Runner:
        """Runs services in the user's name."""
        return partial(bootstrap.run, actor=self.request.user.get_username())

    def run(self, service: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run a service with a unit of work as its last argument."""
        return self.runner(partial(service, *arguments, **options))

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            message = self.act(form)
        except OBJECTIONS as error:
            form.add_error(self.blames.get(type(error)), objection(error))
        else:
            if form.is_valid():
                messages.add_message(self.request, self.level, message)
                return HttpResponseRedirect(self.get_success_url())
        return self.form_invalid(form)
