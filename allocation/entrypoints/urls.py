"""The pages. A name in a URL is written as `converters` says."""

from __future__ import annotations

from django.urls import path, register_converter

from allocation.entrypoints.converters import NameConverter
from allocation.entrypoints.views import batches, history, lines, orders, overview, skus, uploads
from allocation.models import Upload

app_name = "allocation"

register_converter(NameConverter, "name")

urlpatterns = [
    path("", overview.Overview.as_view(), name="overview"),
    path("batches/", batches.BatchList.as_view(), name="batches"),
    path("batches/add/", batches.AddBatch.as_view(), name="add_batch"),
    path("batch/<name:reference>/", batches.BatchPage.as_view(), name="batch"),
    path(
        "batch/<name:reference>/quantity/", batches.ChangeQuantity.as_view(), name="change_quantity"
    ),
    path("batch/<name:reference>/eta/", batches.ChangeEta.as_view(), name="change_eta"),
    path(
        "batch/<name:reference>/reallocate/",
        batches.ReallocateBatch.as_view(),
        name="reallocate_batch",
    ),
    path("lines/", lines.LineList.as_view(), name="lines"),
    path("lines/allocate/", lines.AllocateLine.as_view(), name="allocate_line"),
    path("lines/retry/", lines.RetryBackorders.as_view(), name="retry_backorders"),
    path(
        "order/<name:orderid>/<name:sku>/deallocate/",
        lines.DeallocateLine.as_view(),
        name="deallocate_line",
    ),
    path(
        "order/<name:orderid>/<name:sku>/reallocate/",
        lines.ReallocateLine.as_view(),
        name="reallocate_line",
    ),
    path("order/<name:orderid>/", orders.OrderPage.as_view(), name="order"),
    path("sku/<name:sku>/", skus.SkuPage.as_view(), name="sku"),
    path("sku/<name:sku>/retry/", lines.RetryBackorders.as_view(), name="retry_sku"),
    path("uploads/", uploads.UploadList.as_view(), name="uploads"),
    path(
        "uploads/batches/",
        uploads.SendFile.as_view(kind=Upload.Kind.BATCHES),
        name="upload_batches",
    ),
    path(
        "uploads/orders/", uploads.SendFile.as_view(kind=Upload.Kind.ORDERS), name="upload_orders"
    ),
    path("uploads/<int:pk>/", uploads.UploadPage.as_view(), name="upload"),
    path("uploads/<int:pk>/preview/", uploads.PreviewUpload.as_view(), name="preview_upload"),
    path("uploads/<int:pk>/rejects/", uploads.UploadRejects.as_view(), name="upload_rejects"),
    path("history/", history.HistoryList.as_view(), name="history"),
]
