"""Results and progress, made for reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.core.management.base import OutputWrapper

_BAR_WIDTH = 30


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns side by side under their names, numbers to the right."""
    cells = [[_shown(value) for value in row] for row in rows]
    numeric = [False] * len(columns)
    for row in rows if isinstance(rows, Sequence) else ():
        numeric = [isinstance(value, int) for value in row]
        break
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]

    def line(values: Sequence[str]) -> str:
        parts = (
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        )
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(columns), rule, *map(line, cells)])


def summary(counts: Mapping[str, int | float]) -> str:
    """Names with their numbers, one a line."""
    name_width = max(map(len, counts))
    width = max(len(_shown(count)) for count in counts.values())
    return "\n".join(
        f"{name.ljust(name_width)}  {_shown(count).rjust(width)}" for name, count in counts.items()
    )


class ProgressBar:
    """Drawn where a person watches: on a terminal, and nowhere else."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._watched = stream.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self._watched:
            bar = ("#" * (_BAR_WIDTH * done // total)).ljust(_BAR_WIDTH, ".")
            end = "\n" if done == total else ""
            self._stream.write(f"\r[{bar}] {done:,} of {total:,}", str, ending=end)
            self._stream.flush()


def _shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}"
    return "" if value is None else str(value)
