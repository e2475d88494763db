"""The use case: a folder is brought into a share, with the catalogue that tells what is there."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from allocation.uow.files import PutFile
from tests.examples.filesync.models import SharedFile
from tests.examples.filesync.unit_of_work import SyncUnitOfWork


def sync(uow: SyncUnitOfWork, share_name: str, source: Path) -> list[str]:
    """Put every file of `source` into the share; returns the names of those that differed.

    Nothing is in place before the catalogue is safe, and then it is one file
    after the other. A process that is killed in between leaves each of them
    whole, but some as they were: so what differs is found on the disk, never in
    the catalogue, and to call this again completes it.

    Raises a LookupError for an unknown share, and OSError.
    """
    with uow:
        share = uow.shares.get(share_name)
        catalogue = uow.files.of(share)
        differing = []
        for path in sorted(source.iterdir()):
            content = path.read_bytes()
            entry = catalogue.get(path.name)
            if entry is None:
                entry = SharedFile(share=share, name=path.name)
                uow.files.add(entry)
            entry.sha256 = sha256(content).hexdigest()
            target = Path(share.path, path.name)
            if not target.exists() or target.read_bytes() != content:
                uow.enlist(PutFile(target, content))
                differing.append(path.name)
        uow.commit()
        return differing
