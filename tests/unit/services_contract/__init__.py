"""What every service promises, on whatever unit of work it runs.

Subclass `ServicesContract` and give it a fixture `shop`. A test looks at the
shop as a whole: at each batch, and at each line with the place where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.services_contract.adding import Adding
from tests.unit.services_contract.allocating import Allocating
from tests.unit.services_contract.changing import Changing
from tests.unit.services_contract.reallocating import Reallocating
from tests.unit.services_contract.shop import JULY, JUNE, Shop, Stored

__all__ = ["JULY", "JUNE", "ServicesContract", "Shop", "Stored"]


class ServicesContract(Adding, Allocating, Reallocating, Changing):
    """Subclass it, and define a fixture `shop` that returns an empty one."""

    @pytest.fixture
    def unchanged(self, shop: Shop) -> Callable[..., None]:
        """Call a service, which must raise and store nothing."""

        def check(
            error: type[Exception], service: Callable[..., Any], *arguments: Any, **options: Any
        ) -> None:
            before = shop.stored(), shop.etas()
            with pytest.raises(error):
                service(*arguments, shop.uow(), **options)
            assert (shop.stored(), shop.etas()) == before

        return check
