import io

from django.core.management.base import OutputWrapper

from allocation.management.output import ProgressBar, summary, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestTable:
    def test_aligns_numbers_to_the_right(self) -> None:
        assert table(("sku", "units"), [("LAMP", 12_000), ("BIG-SOFA", 5)]) == (
            "sku        units\n--------  ------\nLAMP      12,000\nBIG-SOFA       5"
        )

    def test_can_be_empty(self) -> None:
        assert table(("sku", "units"), []) == "sku  units\n---  -----"


class TestSummary:
    def test_aligns_names_and_numbers(self) -> None:
        assert summary({"read": 12_000, "merged": 5, "per second": 0.7}) == (
            "read        12,000\nmerged           5\nper second       1"
        )


class TestProgressBar:
    def test_is_drawn_on_a_terminal(self) -> None:
        terminal = Terminal()
        bar = ProgressBar(OutputWrapper(terminal))
        bar(1_000, 3_000)
        bar(3_000, 3_000)

        assert terminal.getvalue() == (
            f"\r[{'#' * 10}{'.' * 20}] 1,000 of 3,000\r[{'#' * 30}] 3,000 of 3,000\n"
        )

    def test_is_not_drawn_elsewhere(self) -> None:
        stream = io.StringIO()
        ProgressBar(OutputWrapper(stream))(3, 3)

        assert stream.getvalue() == ""
