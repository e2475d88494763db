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
from django.views.generic import FormView
from django.views.generic.base import ContextMixin

from allocation import bootstrap
from allocation.domain.model import AllocationError
from allocation.domain.values import InvalidValue
from allocation.uow import ConflictError, UniqueViolation

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

    @abstractmethod
    def act(self, form: Any, /) -> str:
        """Call the service; returns what to tell about it."""

    def run(self, service: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run a service with a unit of work as its last argument, in the user's name."""
        use_case = partial(service, *arguments, **options)
        return bootstrap.run(use_case, actor=self.request.user.get_username())

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            message = self.act(form)
        except (AllocationError, InvalidValue) as error:
            form.add_error(self.blames.get(type(error)), str(error))
        except (ConflictError, UniqueViolation):
            form.add_error(None, "Others were changing the same just now. Please send it again.")
        else:
            messages.success(self.request, message)
            return HttpResponseRedirect(self.get_success_url())
        return self.form_invalid(form)
