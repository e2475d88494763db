"""The project's settings as a server has them, but for what would take time."""

from tests import settings as tests
from uow_project.settings import *  # noqa: F403 - that is what is tried out

PASSWORD_HASHERS = tests.PASSWORD_HASHERS
STORAGES = tests.STORAGES
WHITENOISE_AUTOREFRESH = tests.WHITENOISE_AUTOREFRESH
WHITENOISE_USE_FINDERS = tests.WHITENOISE_USE_FINDERS
