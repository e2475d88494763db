"""The project's, with other pages."""

from uow_project.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "tests.examples.checkout.urls"
UOW_POOL_SIZE = 5
