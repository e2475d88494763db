"""Wiring of the project. What differs between machines comes from the environment."""

import logging
import os
from pathlib import Path
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.conf import global_settings
from django.core.management.utils import get_random_secret_key
from environs import Env, validate

from uow_project import databases

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()

# Security

DEBUG = env.bool("DEBUG", default=False)

# Note [Secret key]
# In production the key is given; without one it stays empty. Management
# commands need none, so `migrate` runs on a bare checkout. The servers' way in
# (wsgi.py and asgi.py) refuses to start, and `check --deploy` warns.
# In development it is made up. It goes into the environment, and so to the
# children of runserver, for sessions to outlive a reload of the code.
if DEBUG:
    os.environ.setdefault("SECRET_KEY", get_random_secret_key())
SECRET_KEY = env.str("SECRET_KEY", default="")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # whoever probes it stands inside, without https
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
# An hour, until whoever deploys knows that nothing is left on http and asks for
# more: browsers remember it. Preload lists take no site below a year, so that
# the two below promise nothing yet.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=3600) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# To be asked for: where no proxy sets this header, any client can.
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Nothing inline, and nothing from elsewhere: what a browser is made to run or to
# show comes from files of this site.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# Application

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "allocation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Every view needs a login, unless it is marked with login_not_required.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "uow_project.middleware.limit_body",
]
BODY_MAX_SIZE = 20 * 1024 * 1024  # bytes: a month of orders is a fourth of it

ROOT_URLCONF = "uow_project.urls"
WSGI_APPLICATION = "uow_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database

DATABASES = {
    "default": databases.from_url(
        env.str(
            "DATABASE_URL",
            default=f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}",
        ),
        conn_max_age=env.int("CONN_MAX_AGE", default=60),
    ),
}
# SQLite leaves out the columns that an index only carries: it reads the table instead.
SILENCED_SYSTEM_CHECKS = ["models.W040"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Signing in

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Language and time

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# Static files

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

# In production `collectstatic` gives each file a name that tells its contents, so
# that browsers keep it for ever.
if not DEBUG:
    STORAGES = global_settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# Logging

# Commands write their data to stdout, and so their logs to stderr; a server has
# no data to write, and its logs go to stdout: see wsgi.py and asgi.py.
LOG_STREAM = env.str("LOG_STREAM", default="stderr", validate=validate.OneOf(["stdout", "stderr"]))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "handlers": {
        "stream": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": f"ext://sys.{LOG_STREAM}",
        },
    },
    "root": {
        "handlers": ["stream"],
        "level": env.log_level("LOG_LEVEL", default=logging.WARNING),
    },
    # Django gives this one a handler of its own; everything would come twice.
    "loggers": {"django": {"handlers": [], "level": "NOTSET"}},
}
