from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allocation.domain.values import MAX_QUANTITY, InvalidValue
from allocation.service_layer.cells import read_eta, read_quantity, read_whole_number


class TestReadQuantity:
    @pytest.mark.parametrize(
        ("cell", "quantity"),
        [("6", 6), (" 6\t", 6), ("+6", 6), ("007", 7), (str(MAX_QUANTITY), MAX_QUANTITY)],
    )
    def test_reads_a_whole_number(self, cell: str, quantity: int) -> None:
        assert read_quantity(cell) == quantity

    @pytest.mark.parametrize(
        "cell",
        [
            *(
                "",
                " ",
                "6.0",
                "6,0",
                "1e3",
                "1_000",
                "1 000",
                "0x10",
                "--6",
                "6-",
                "six",
                "\N{ARABIC-INDIC DIGIT SIX}",
                "\N{FULLWIDTH DIGIT SIX}",
            ),
            *("6\n7", "inf", "nan", "True", "0", "-1", "9" * 10_000, "-" + "9" * 10_000),
        ],
    )
    def test_refuses_anything_else(self, cell: str) -> None:
        with pytest.raises(InvalidValue, match="quantity"):
            read_quantity(cell)

    def test_says_what_is_too_much(self) -> None:
        with pytest.raises(InvalidValue, match=f"at most {MAX_QUANTITY}"):
            read_quantity("9" * 100)

    @given(st.integers(1, MAX_QUANTITY))
    def test_reads_what_was_written(self, quantity: int) -> None:
        assert read_quantity(str(quantity)) == quantity

    @given(st.text())
    @example("0\x1f")  # blank for str.strip, though not for int
    def test_takes_a_cell_as_int_takes_it_or_not_at_all(self, cell: str) -> None:
        number = read_whole_number(cell)

        assert number is None or number == int(cell.strip())


class TestReadEta:
    def test_reads_an_iso_date(self) -> None:
        assert read_eta(" 2011-01-17 ") == date(2011, 1, 17)

    @pytest.mark.parametrize("cell", ["", "  "])
    def test_takes_an_empty_cell_for_the_warehouse(self, cell: str) -> None:
        assert read_eta(cell) is None

    @pytest.mark.parametrize(
        "cell",
        [
            "2011-02-30",
            "20110117",
            "2011-W03-1",
            "17/01/2011",
            "2011-1-7",
            "2011-01-17T00:00",
            "no",
        ],
    )
    def test_refuses_anything_else(self, cell: str) -> None:
        with pytest.raises(InvalidValue, match="YYYY-MM-DD"):
            read_eta(cell)
