from __future__ import annotations

from tests.conftest import Fetch
from tests.functional.conftest import Allocations, Command


class TestDemo:
    def test_shows_what_it_did(self, command: Command, allocations: Allocations) -> None:
        output = command("demo")

        assert "Batch SHIP-HERON-RED-CHAIR arrives with 30 units only" in output.stdout
        assert "Numbers that disagree: 0." in output.stdout
        assert output.stderr == ""
        assert 180 < len(allocations()) < 200

    def test_shows_every_kind_of_outcome(self, command: Command) -> None:
        """Else the sample shows less than it could."""
        stdout = command("demo").stdout
        counts = dict(
            line.rsplit(maxsplit=1)
            for line in stdout.splitlines()
            if line and line.split()[-1].isdecimal()
        )
        kinds = [name for name in counts if name.startswith(("rejected", "merged", "lines "))]

        assert {name for name in kinds if counts[name] == "0"} == {
            "lines allocated already",
            "lines still waiting",
        }

    def test_run_again_keeps_what_is_there_and_says_so(
        self, alias: str, command: Command, fetch: Fetch, allocations: Allocations
    ) -> None:
        def state() -> list[object]:
            return [
                fetch(alias, "SELECT * FROM allocation_batch ORDER BY reference"),
                fetch(alias, "SELECT * FROM allocation_orderline ORDER BY id"),
                fetch(alias, "SELECT * FROM allocation_historyentry ORDER BY id"),
            ]

        command("demo")
        before = state()
        output = command("demo")

        assert state() == before
        assert "The sample is loaded already" in output.stdout
