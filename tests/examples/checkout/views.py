"""Views for a server that speaks ASGI. They wait for somebody else while a transaction is open."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from allocation import bootstrap
from allocation.domain.model import AllocationError, OrderLine
from allocation.service_layer import services
from tests.examples.checkout import carrier


@csrf_exempt
@require_POST
async def allocate(request: HttpRequest) -> JsonResponse:
    """Allocate a line: a service as it is, tried again after a conflict."""
    line = _line(request)
    use_case = partial(services.allocate, line.orderid, line.sku, line.qty)
    try:
        reference = await bootstrap.arun(use_case)
    except AllocationError as error:
        return JsonResponse({"error": str(error)}, status=409)
    return JsonResponse({"reference": reference}, status=201)


@csrf_exempt
@require_POST
async def check_out(request: HttpRequest) -> JsonResponse:
    """Allocate a line if the carrier will fetch it: nothing of it where the client hangs up."""
    line = _line(request)
    async with bootstrap.async_unit_of_work() as uow:
        stock = await uow.batches.for_lines([line.key])
        reference = stock.allocate(line)
        await carrier.confirm(reference, line)
        await uow.commit()
    return JsonResponse({"reference": reference}, status=201)


def _line(request: HttpRequest) -> OrderLine:
    return OrderLine(request.POST["orderid"], request.POST["sku"], int(request.POST["qty"]))
