"""Curves over a logarithmic axis, as an SVG that needs no library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 820
_HEIGHT: Final = 380
_LEFT: Final = 60
_RIGHT: Final = 360
_TOP: Final = 20
_BOTTOM: Final = 50
_COLOURS: Final = ("#1b6ca8", "#c44536", "#6a994e", "#5fa8d3", "#e59866", "#a7c957")
_TICKS: Final = (0.1, 1, 10, 100, 1000)


@dataclass(frozen=True)
class Curve:
    """Milliseconds at sizes; a size of 0 stands where 1 would."""

    name: str
    sizes: Sequence[int]
    milliseconds: Sequence[float]


def write_plot(path: Path, curves: Sequence[Curve]) -> None:
    path.write_text("\n".join(_svg(curves)) + "\n")


def _svg(curves: Sequence[Curve]) -> Iterator[str]:
    most = max(max(curve.sizes) for curve in curves)
    highest = max(max(curve.milliseconds) for curve in curves)

    def x(size: float) -> float:
        share = math.log10(max(size, 1)) / math.log10(most)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(milliseconds: float) -> float:
        least = math.log10(_TICKS[0])
        share = (math.log10(milliseconds) - least) / (math.log10(highest) + 0.1 - least)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">'
    )
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    for tick in _TICKS:
        if tick <= highest * 1.2:
            yield _line(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick))
            yield _text(_LEFT - 8, y(tick) + 4, f"{tick:g} ms", "end")
    size = 1
    while size <= most:
        yield _text(x(size), _HEIGHT - _BOTTOM + 20, f"{size:,}", "middle")
        size *= 10
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, "how many there are", "middle")
    for number, (curve, colour) in enumerate(zip(curves, _COLOURS, strict=False)):
        points = zip(curve.sizes, curve.milliseconds, strict=True)
        path = " ".join(f"{x(size):.1f},{y(ms):.1f}" for size, ms in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        at = _TOP + 14 + number * 20
        yield _line(_WIDTH - _RIGHT + 16, at - 4, _WIDTH - _RIGHT + 36, at - 4, colour, 2)
        yield _text(_WIDTH - _RIGHT + 42, at, curve.name)
    yield "</svg>"


def _line(  # noqa: PLR0913, PLR0917 - two points, and how it looks
    x1: float, y1: float, x2: float, y2: float, colour: str = "#ddd", width: int = 1
) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
