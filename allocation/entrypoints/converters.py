"""Names in URLs: any text that the domain takes for a reference, an order or a SKU."""

from __future__ import annotations

import re
from typing import Final

from allocation.domain.values import text

_ESCAPED: Final = re.compile(r"_([0-9A-F]{2})")
# A browser or a server on the way would take these to mean something, encoded or not.
_SPECIAL: Final = re.compile(r"[^A-Za-z0-9-]")


class NameConverter:
    """A name as one segment of a path, whatever stands in it: slashes, dots, spaces.

    What is neither letter, digit nor hyphen stands as `_` and two digits for
    each of its bytes in UTF-8.
    """

    regex = "(?:[A-Za-z0-9-]|_[0-9A-F]{2})+"

    def to_url(self, name: str) -> str:
        return _SPECIAL.sub(_escaped, name)

    def to_python(self, segment: str) -> str:
        """Raises ValueError, for no such page, where that is not UTF-8 or no name."""
        return text("name", _ESCAPED.sub(_byte, segment).encode("latin-1").decode())


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"_{byte:02X}" for byte in found[0].encode())


def _byte(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
