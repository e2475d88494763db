from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat

GetResponse = Callable[[HttpRequest], HttpResponse]


def limit_body(get_response: GetResponse) -> GetResponse:
    """Refuse a request whose body is beyond BODY_MAX_SIZE, before anything of it is stored.

    Django itself limits what it keeps in memory, not the size of files.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.BODY_MAX_SIZE:
            limit = filesizeformat(settings.BODY_MAX_SIZE)
            return render(request, "413.html", {"limit": limit}, status=413)
        return get_response(request)

    return middleware
