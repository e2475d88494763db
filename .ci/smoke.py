"""Use the installed wheel as an adopter would: first the kernel, then the app."""

import importlib.metadata
import sys

import allocation.uow

assert "django" not in sys.modules, "the pure kernel imports Django"

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "allocation"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
call_command("migrate", verbosity=0)
for model in apps.get_app_config("allocation").get_models():
    assert not model._default_manager.exists()

version = importlib.metadata.version("django-uow")
print(f"django-uow {version} in {allocation.uow.__file__}, on Django {django.__version__}")
