"""The project's, with other pages: for programs, which do not sign in."""

from uow_project.settings import *  # noqa: F403 - all of them

MIDDLEWARE = []
ROOT_URLCONF = "tests.examples.checkout.urls"
UOW_POOL_SIZE = 5
