"""Check what is in the wheel, and what is not."""

import sys
from pathlib import PurePosixPath
from zipfile import ZipFile

REQUIRED = {
    "allocation/__init__.py",
    "allocation/py.typed",
    "allocation/sample/batches.csv",
    "allocation/sample/orders.csv",
    "allocation/static/allocation/simple.css/LICENSE",
    "allocation/static/allocation/simple.css/simple.css",
    "allocation/static/allocation/site.css",
    "allocation/templates/allocation/base.html",
    "allocation/migrations/__init__.py",
    "allocation/uow/__init__.py",
}


def main(wheel: str) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {PurePosixPath(name).parts[0] for name in names}
    metadata = {top for top in tops if top.endswith(".dist-info")}

    assert names >= REQUIRED, f"missing: {sorted(REQUIRED - names)}"
    assert any(name.startswith("allocation/migrations/0001_") for name in names), "no migration"
    assert any(name.startswith("allocation/templates/allocation/") for name in names), (
        "no templates"
    )
    assert len(metadata) == 1, metadata
    assert tops - metadata == {"allocation"}, f"more than the app: {sorted(tops)}"
    print(f"{len(names)} files, all of allocation.")


main(*sys.argv[1:])
