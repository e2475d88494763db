import pytest

# Its assertions should explain themselves as those of a test module do.
pytest.register_assert_rewrite("tests.unit.services_contract")
