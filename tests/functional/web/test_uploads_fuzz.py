"""Whatever is sent gets an answer: the test client raises what would be a 500."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.web.uploads import Clerk


class TestAnything:
    CELLS = st.lists(st.text(st.sampled_from("abo1-=+\",;\n\r\0'é@ ")), min_size=1, max_size=5)

    @settings(
        max_examples=100,
        suppress_health_check=[HealthCheck.function_scoped_fixture],  # uploads may pile up
    )
    @given(
        st.sampled_from(["orders", "batches"]),
        st.sampled_from(
            [b"", b"orderid,sku,qty\n", b"reference,sku,qty,eta\n", b"a,b,c,row,reason\n"]
        ),
        st.binary() | st.lists(CELLS).map(lambda rows: "\n".join(map(",".join, rows)).encode()),
        st.text(min_size=1),
    )
    def test_is_answered(
        self, ann: Clerk, kind: str, header: bytes, content: bytes, name: str
    ) -> None:
        page = ann.send(kind, header + content, name=f"{name}.csv")
        assert page.status_code == 200
        if "upload" in page.context:
            pk = page.context["upload"].pk
            assert ann.apply(pk).status_code == 200
            assert ann.preview(pk, orderid=0, sku=1, qty=2).status_code == 200

    @settings(
        max_examples=50,
        suppress_health_check=[HealthCheck.function_scoped_fixture],  # nothing is changed by it
    )
    @given(st.dictionaries(st.sampled_from(["seen", "orderid", "sku", "qty"]), st.text()))
    def test_typed_is_answered(self, ann: Clerk, typed: dict[str, Any]) -> None:
        pk = ann.sent("orders", b"a,b,c\n1,2,3\n")
        for name in ("upload", "preview_upload"):
            url = reverse(f"allocation:{name}", args=[pk])
            assert ann.client.post(url, typed).status_code in (200, 302)
            assert ann.client.get(url, typed).status_code == 200
