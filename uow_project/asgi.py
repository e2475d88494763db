import os

from django.core.asgi import get_asgi_application

from uow_project import secret_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "uow_project.settings")
os.environ.setdefault("LOG_STREAM", "stdout")

secret_key.require()
application = get_asgi_application()
