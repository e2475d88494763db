"""«Start» of the guide, followed to the letter in a new project, on the built wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.pages import Block, Page, commands

START = Page(ROOT / "docs" / "start.md")


class Reader:
    """Does what the page says, in an empty folder and an environment of its own.

    It has Django and the rest from ours, but not the kernel: that comes from
    the wheel.
    """

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        [packages] = environment.glob("lib/python*/site-packages")
        ours = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "ours.pth").write_text("\n".join(ours))
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "PYTHON", "COVERAGE_", "PIP_"))
        } | {
            "PATH": os.pathsep.join(
                [str(environment / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            # No network, and whatever this machine configures.
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_INDEX": "1",
        }

    def follow(self, block: Block) -> str:
        if block.language == "python":
            self._write(block)
            return ""
        return "".join(self.run(command) for command in commands(block))

    def _write(self, block: Block) -> None:
        """Put the block into the file that its first line names."""
        first = block.text.splitlines()[0]
        named = re.fullmatch(r"# ([\w/]+\.py)(, at the end)?", first)
        assert named, f"{first!r} names no file"
        path = self.folder / named[1]
        with path.open("a" if named[2] else "w", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}" if named[2] else block.text)

    def run(self, command: str) -> str:
        done = subprocess.run(  # noqa: S602  # as the reader types it
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    return folder


def test_a_new_project_adopts_the_kernel_by_following_it(tmp_path: Path, wheels: Path) -> None:
    reader = Reader(tmp_path, wheels)
    said = [reader.follow(block) for block in START.blocks("console", "python")]
    # The services' tests alone, then the view's with them.
    found = [re.search(r"Ran (\d+) tests? in", text) for text in said]
    assert [int(match[1]) for match in found if match] == [4, 5]
    where = reader.run('python -c "import allocation.uow; print(allocation.uow.__file__)"')
    assert Path(where).is_relative_to(tmp_path / "venv")
    assert "No changes detected" in reader.run("python manage.py makemigrations --check")
