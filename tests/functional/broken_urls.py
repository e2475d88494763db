"""The site, and pages on which something goes wrong."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path

from uow_project.urls import urlpatterns


def forbidden(request: HttpRequest) -> NoReturn:
    raise PermissionDenied


def suspicious(request: HttpRequest) -> NoReturn:
    raise SuspiciousOperation


def broken(request: HttpRequest) -> NoReturn:
    raise RuntimeError


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{len(request.POST)} fields")


urlpatterns = [
    *urlpatterns,
    path("forbidden", forbidden),
    path("suspicious", suspicious),
    path("broken", broken),
    path("form", form),
]
