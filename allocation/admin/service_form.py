"""Small forms: each calls one service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.generic import FormView

from allocation.service_layer.objections import OBJECTIONS, objection

if TYPE_CHECKING:
    _FormView = FormView[Any]
else:
    _FormView = FormView  # generic to the type checker alone

T = TypeVar("T")


class ServiceForm(_FormView, ABC):
    """A page of a model's admin that calls one service, and goes on to another page.

    What the service has against it stands at the form, with all that was typed.
    """

    template_name = "allocation/admin/form.html"
    form_class = forms.Form
    title: ClassVar[str]
    button: ClassVar[str]
    """What sending it does."""
    method: ClassVar[str] = "post"
    blames: ClassVar[Mapping[type[Exception], str]] = {}
    """Which field an error of the service is about. Any other is about the form as a whole."""
    admin: Any = None
    """The `StockAdmin` that it belongs to: `as_view` is given it."""

    @abstractmethod
    def act(self, form: Any, /) -> str:
        """Call the service; returns what to tell about it."""

    def intro(self) -> str:
        """What stands above the form."""
        return ""

    def is_allowed(self) -> bool:
        allowed: bool = self.admin.has_services_permission(self.request)
        return allowed

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.is_allowed():
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def run(self, service: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Run a service with a unit of work as its last argument, in the user's name."""
        runner = self.admin.runner(self.request)
        result: T = runner(partial(service, *arguments, **options))
        return result

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            message = self.act(form)
        except OBJECTIONS as error:
            form.add_error(self.blames.get(type(error)), objection(error))
            return self.form_invalid(form)
        messages.success(self.request, message)
        return HttpResponseRedirect(self.get_success_url())

    def get_success_url(self) -> str:
        url: str = self.admin.url("changelist")
        return url

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = super().get_context_data(**kwargs)
        form = shown["form"]
        visible = [field.name for field in form.visible_fields()]
        page = {
            "adminform": AdminForm(form, [(None, {"fields": visible})], {}),
            "errors": AdminErrorList(form, []),
            "intro": self.intro(),
            "button": self.button,
            "method": self.method,
            "back": self.get_success_url(),
        }
        context: dict[str, Any] = self.admin.context(self.request, self.title, **page)
        return context | shown
