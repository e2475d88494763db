"""Uploads: the files that were sent, one of them, and what becomes of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import PurePath
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView, View

from allocation.entrypoints import uploads
from allocation.entrypoints.pages import LOOK, WRITE, Page, ServiceForm
from allocation.entrypoints.paging import paginate
from allocation.models import Upload
from allocation.service_layer.csv_files import UnreadableFile
from allocation.service_layer.order_files import distinct_columns


def _may_send(user: User | AnonymousUser, kind: str) -> bool:
    """Whether the user, who may write, may also do by hand what a file of that kind does."""
    return kind != Upload.Kind.BATCHES or user.has_perm("allocation.add_batch")


class FileForm(forms.Form):
    # An empty one is for the reader of the file to refuse, in its words.
    file = forms.FileField(
        label="CSV file",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )


class UploadsPage(Page):
    """The files that were sent, and a form for each kind. For those who may write alone."""

    permission_required: Any = (LOOK, WRITE)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = Upload.objects.defer("content", "header", "rejects")
        forms_by_kind = {f"{kind}_form": FileForm(auto_id=f"{kind}_%s") for kind in Upload.Kind}
        return super().get_context_data(
            **forms_by_kind | kwargs,
            max_rows=uploads.MAX_ROWS,
            page=paginate(shown, "-id", self.request.GET.dict()),
            may_send_batches=_may_send(self.request.user, Upload.Kind.BATCHES),
        )


class UploadList(UploadsPage, TemplateView):
    template_name = "allocation/uploads.html"


class SendFile(UploadsPage, ServiceForm):
    """Takes in a file of one kind. An error stands beside the form of that kind."""

    template_name = "allocation/uploads.html"
    form_class = FileForm
    kind = Upload.Kind.ORDERS
    level = messages.INFO

    def has_permission(self) -> bool:
        return super().has_permission() and _may_send(self.request.user, self.kind)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"auto_id": f"{self.kind}_%s"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or self.get_form()
        return super().get_context_data(form=form, **{f"{self.kind}_form": form}, **kwargs)

    def act(self, form: FileForm) -> str:
        file = form.cleaned_data["file"]
        try:
            self.upload = uploads.take_in(self.kind, file, self.request.user.get_username())
        except UnreadableFile as error:
            form.add_error("file", f"{file.name}: {error}")
        return f"{file.name} is uploaded. Nothing is stored before you apply it."

    def done_url(self) -> str:
        return reverse("allocation:upload", args=[self.upload.pk])


class OfUpload(Page):
    """About the upload that the URL names, for those who could do by hand what it does."""

    permission_required: Any = (LOOK, WRITE)

    @cached_property
    def upload(self) -> Upload:
        shown = Upload.objects.defer("content", "rejects")
        return get_object_or_404(shown, pk=self.kwargs["pk"])

    def has_permission(self) -> bool:
        return super().has_permission() and _may_send(self.request.user, self.upload.kind)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("columns_form", ColumnsForm(upload=self.upload))
        seen = uploads.preview_token(self.upload)
        return super().get_context_data(upload=self.upload, seen=seen, **kwargs)

    def done_url(self) -> str:
        return reverse("allocation:upload", args=[self.upload.pk])


class SeenForm(forms.Form):
    seen = forms.CharField(widget=forms.HiddenInput)


class UploadPage(OfUpload, ServiceForm):
    """What would happen, and what has happened."""

    template_name = "allocation/upload.html"
    form_class = SeenForm

    def act(self, form: SeenForm) -> str:
        user = self.request.user.get_username()
        if uploads.apply(self.upload, form.cleaned_data["seen"], user, self.runner):
            return f"{self.upload.filename} is applied."
        self.level = messages.INFO
        return f"{self.upload.filename} was taken up already: nothing was done twice."


class ColumnsForm(forms.Form):
    """Which columns make an order line; a file of batches leaves no choice.

    They are chosen by their place, as there may be anything in their names.
    """

    def __init__(self, *args: Any, upload: Upload, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.header = upload.header
        if upload.kind != Upload.Kind.ORDERS:
            return
        columns = distinct_columns(self.header)
        choices = [("", "choose one"), *((str(self.header.index(name)), name) for name in columns)]
        for name, label in (("orderid", "Order"), ("sku", "SKU"), ("qty", "Units")):
            self.fields[name] = forms.ChoiceField(label=label, choices=choices)
            if chosen := upload.columns.get(name):
                self.initial[name] = str(self.header.index(chosen))

    def clean(self) -> None:
        columns = self.columns
        if len(set(columns.values())) < len(columns):
            raise ValidationError("Choose a column of its own for each.")

    @property
    def columns(self) -> dict[str, str]:
        return {name: self.header[int(place)] for name, place in self.cleaned_data.items()}


class PreviewUpload(OfUpload, ServiceForm):
    """Previews it anew: with other columns, or because the stock has changed."""

    template_name = "allocation/upload.html"
    form_class = ColumnsForm
    level = messages.INFO

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"upload": self.upload}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or self.get_form()
        return super().get_context_data(form=None, columns_form=form, **kwargs)

    def act(self, form: ColumnsForm) -> str:
        if uploads.preview(self.upload, form.columns):
            return "This is what would happen now. Nothing is stored before you apply it."
        return f"{self.upload.filename} was taken up meanwhile: this is how it stands."


class UploadRejects(OfUpload, View):
    """The rejected rows as a file, for a spreadsheet and to be uploaded again."""

    def get(self, _request: HttpRequest, **_: Any) -> FileResponse:
        if not self.upload.rejects:
            raise Http404
        # With a byte order mark: without it, some spreadsheets take it for no UTF-8.
        content = BytesIO(self.upload.rejects.encode("utf-8-sig"))
        filename = f"{PurePath(self.upload.filename).stem.removesuffix('-rejects')}-rejects.csv"
        return FileResponse(
            content, as_attachment=True, filename=filename, content_type="text/csv; charset=utf-8"
        )
