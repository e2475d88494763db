"""Samples of measurements, and tables of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class Sample:
    """What was measured, once a round. The rounds of all samples of a table ran side by side."""

    name: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def ratio(self, to: Sample) -> float:
        """The median of the ratios round by round: it holds when the machine's speed drifts."""
        return statistics.median(a / b for a, b in zip(self.values, to.values, strict=True))


def table(
    title: str, unit: str, samples: Sequence[Sample], to: Sample | None = None, digits: int = 0
) -> Iterator[str]:
    """The lines of a table in Markdown: medians, the least and the most, ratios."""
    yield f"### {title}"
    yield ""
    head = f"| | {unit} | least to most |" + (f" to {to.name} |" if to else "")
    yield head
    yield "|---" * (head.count("|") - 1) + "|"
    for sample in samples:
        spread = f"{min(sample.values):,.{digits}f} to {max(sample.values):,.{digits}f}"
        ratio = f" {sample.ratio(to):.2f} |" if to else ""
        yield f"| {sample.name} | {sample.median:,.{digits}f} | {spread} |{ratio}"
    yield ""


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, without clearing up what others left behind."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
