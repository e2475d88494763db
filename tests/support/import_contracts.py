"""A contract for import-linter: these modules may import those, and nothing else.

import-linter's own contracts name what is forbidden. What should know no
framework at all cannot be kept so by a list of every framework there is.
"""

import sys
from collections.abc import Iterable
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """The source packages import themselves, the standard library, and `allowed`.

    Options:
        source_modules: packages, each with all that is below it.
        except_modules: packages below them that are no part of the source, and
            so must not be imported by it.
        allowed_modules: packages, ours or others', that may be imported as well.
    """

    type_name = "only"

    # Any: in an instance each is the list that the configuration holds.
    source_modules: Any = fields.ListField(subfield=fields.StringField())
    except_modules: Any = fields.ListField(subfield=fields.StringField(), required=False)
    allowed_modules: Any = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        sources: list[str] = self.source_modules
        excepted: list[str] = self.except_modules or []
        allowed = sources + (self.allowed_modules or [])
        illegal = [
            (importer, imported)
            for importer in sorted(graph.modules)
            if _within(importer, sources) and not _within(importer, excepted)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if _within(imported, excepted)
            or not (_within(imported, allowed) or _is_standard_library(imported))
        ]
        missing = [source for source in sources if source not in graph.modules]
        return ContractCheck(
            kept=not (illegal or missing),
            metadata={"illegal": illegal, "missing": missing},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        for module in check.metadata["missing"]:
            output.print_error(f"There is no module {module}.", bold=False)
        for importer, imported in check.metadata["illegal"]:
            output.print_error(f"{importer} must not import {imported}.", bold=False)


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _is_standard_library(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names
