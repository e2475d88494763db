"""Promise 12: a stale entity is not written."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.uow import ConflictError, StaleEntity, UnitOfWork
from allocation.uow.testing.contract.subject import Fixtures, Subject


class Versions(Fixtures):
    """The subject's entities count their changes, and are refused when others changed them."""

    def test_a_stale_entity_is_named_and_nothing_is_written(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        in_block.commit()
        subject.elsewhere(lambda uow: subject.set_number(subject.repository(uow).get(stored), 5))
        subject.set_number(kept, 7)
        subject.repository(in_block).add(subject.make("a"))
        with pytest.raises(StaleEntity, match=str(stored)) as raised:
            in_block.commit()
        assert raised.value.keys == ((stored,),)
        assert isinstance(raised.value, ConflictError)
        assert in_block.is_conflict(raised.value)
        assert subject.committed() == {"kept": 5}

    def test_a_stale_entity_is_not_removed(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        in_block.commit()
        subject.elsewhere(lambda uow: subject.set_number(subject.repository(uow).get(stored), 5))
        subject.repository(in_block).remove(kept)
        with pytest.raises(StaleEntity, match=str(stored)):
            in_block.commit()
        assert subject.committed() == {"kept": 5}

    def test_an_entity_can_be_changed_again_and_again(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        for number in range(5):
            subject.set_number(kept, number)
            in_block.flush()
        in_block.commit()
        subject.set_number(kept, 9)
        in_block.commit()
        assert subject.committed() == {"kept": 9}

    def test_read_again_it_is_stale_no_more(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        in_block.commit()
        subject.elsewhere(lambda uow: subject.set_number(subject.repository(uow).get(stored), 5))
        assert repository.get(stored) is kept
        subject.set_number(kept, subject.number(kept) + 1)
        in_block.commit()
        assert subject.committed() == {"kept": 6}

    def test_after_a_rollback_its_version_is_the_stored_one(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        subject.set_number(kept, 5)
        in_block.flush()
        in_block.rollback()
        subject.set_number(kept, 6)
        in_block.commit()
        assert subject.committed() == {"kept": 6}
