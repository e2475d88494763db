"""The project's settings, with both databases and the kernel's test models.

Everything is taken over, as what the tests should see is the project as it is
wired, and only the lines below may differ from it.
"""

from django.conf import global_settings

from uow_project import databases
from uow_project.settings import *  # noqa: F403 - see above
from uow_project.settings import INSTALLED_APPS as PROJECT_APPS

SECRET_KEY = "for the tests"  # noqa: S105 - it protects nothing
SECURE_SSL_REDIRECT = False  # the test client speaks http

# Static files as they lie in the sources: nobody has collected them.
STORAGES = global_settings.STORAGES
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

INSTALLED_APPS = [
    *PROJECT_APPS,
    "tests.support",
    "tests.kernel",
    "tests.examples.orders",
    "tests.examples.by_hand",
    "tests.examples.registration",
    "tests.examples.waste",
    "tests.examples.funds",
    "tests.examples.cloud",
    "tests.examples.filesync",
    "tests.examples.pitfalls",
]
# Their tables follow their models: nobody has rows there to migrate.
MIGRATION_MODULES = {
    "kernel": None,
    "orders": None,
    "by_hand": None,
    "registration": None,
    "waste": None,
    "funds": None,
    "cloud": None,
    "filesync": None,
    "pitfalls": None,
}

# Where both really are is only known once the tests that need them run:
# see django_db_modify_db_settings in conftest.py.
DATABASES = {
    "default": databases.from_url("sqlite://"),
    "postgresql": databases.from_url("postgresql://")
    # By default it waits for "default", and tests of it alone cannot be run.
    | {"TEST": {"DEPENDENCIES": []}},
}

# The secure ones take most of a second for each user.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
