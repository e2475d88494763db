"""What the admin of each model has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import connections, router, transaction
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from allocation import bootstrap
from allocation.admin.csv_files import csv_response
from allocation.admin.lists import CappedPaginator, IndexedChangeList
from allocation.service_layer.bulk import Runner

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # generic to the type checker alone

_CHUNK = 5000  # rows that an export holds in memory


class StockAdmin(_ModelAdmin):
    """For inspecting. What changes a row is a service, and never a form of its fields.

    Django's "change" permission is therefore nobody's: who has it may use the
    services, which is what `permissions=["services"]` of an action asks for.
    """

    list_filter: ClassVar[tuple[Any, ...]]  # subclasses of SimpleListFilter
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by: ClassVar[tuple[str, ...]] = ()
    actions: Sequence[Any] = ("export_csv",)
    exported: ClassVar[tuple[tuple[str, str], ...]]
    """The columns of the CSV file, each with the field that it shows."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_services_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def get_changelist(self, *_: Any, **__: Any) -> type[ChangeList]:
        return IndexedChangeList

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest | None = None) -> bool:
        """Only what the page itself offers: any other lookup would read all rows."""
        year, month, day = (f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day"))
        if lookup in (month, day):
            return request is not None and year in request.GET
        return lookup in {year, *(offered.parameter_name for offered in self.list_filter)}

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        if "\0" in object_id:  # which PostgreSQL cannot read
            return None
        return super().get_object(request, object_id, from_field)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *where: Any, **named: Any
    ) -> HttpResponse | None:
        """Refuse keys that the page cannot have sent; Django would ask the database for them."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(key, None)
            except ValidationError as error:
                raise BadRequest(str(error)) from error
            if "\0" in key:
                raise BadRequest("A key has no NUL character.")
        return super().response_action(request, queryset, *where, **named)

    # What the services need

    @property
    def using(self) -> str:
        return router.db_for_write(self.model)

    def runner(self, request: HttpRequest) -> Runner:
        """Runs services; the history names the user of the request."""
        return partial(bootstrap.run, using=self.using, actor=request.user.get_username())

    # Pages of its own

    def get_urls(self) -> list[URLPattern]:
        urls = self.own_urls() + super().get_urls()
        # Where ATOMIC_REQUESTS is set, a unit of work could not commit in these views.
        for url, alias in product(urls, connections):
            transaction.non_atomic_requests(alias)(url.callback)
        return urls

    def own_urls(self) -> list[URLPattern]:
        return []

    def own_url(self, route: str, view: Callable[..., Any], name: str) -> URLPattern:
        """A page for the staff, as `admin:allocation_MODEL_NAME`."""
        named = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(view), name=named)

    def context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        """What the admin's templates ask for."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "original": title,
            "media": self.media,
            "has_view_permission": self.has_view_permission(request),
            **more,
        }

    # Links

    def url(self, name: str, *args: str, model: str = "", **query: str) -> str:
        """The URL of a page of this model or another one, such as "changelist"."""
        named = f"admin:{self.opts.app_label}_{model or self.opts.model_name}_{name}"
        url = reverse(named, args=[quote(arg) for arg in args], current_app=self.admin_site.name)
        return f"{url}?{urlencode(query)}" if query else url

    def link(self, text: object, name: str, *args: str, model: str = "", **query: str) -> str:
        return format_html('<a href="{}">{}</a>', self.url(name, *args, model=model, **query), text)

    @abstractmethod
    def history_of(self, obj: Any) -> dict[str, str]:
        """What to ask the list of the history for."""

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: Any = None
    ) -> HttpResponse:
        """The history of the stock, instead of the admin's own, which knows of forms alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} {unquote(object_id)}.")
        query = self.history_of(obj)
        return HttpResponseRedirect(self.url("changelist", model="historyentry", **query))

    # Actions

    @admin.action(
        description="Export the selected %(verbose_name_plural)s as CSV", permissions=["view"]
    )
    def export_csv(self, _request: HttpRequest, queryset: QuerySet[Model]) -> StreamingHttpResponse:
        columns, fields = zip(*self.exported, strict=True)
        rows = queryset.values_list(*fields).iterator(chunk_size=_CHUNK)
        name = str(self.opts.verbose_name_plural).replace(" ", "_")
        return csv_response(name, columns, rows)
