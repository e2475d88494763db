"""How Gunicorn serves the site: `gunicorn --config python:uow_project.server`.

Options on the command line win over these. WEB_CONCURRENCY sets how many
processes there are; without it there is one.
"""

wsgi_app = "uow_project.wsgi"
bind = "127.0.0.1:8000"

# Threads wait for the database and for slow clients; the rest is quick. Each
# keeps a connection to the database of its own.
worker_class = "gthread"
threads = 8

# SIGTERM: no new requests, and this many seconds for those that run. What takes
# longer is rolled back.
graceful_timeout = 30

# No socket for remote control in somebody's home.
control_socket_disable = True

# All to stdout, in the form of Django's own: see LOGGING in the settings.
access_log_format = '%(h)s "%(r)s" %(s)s, %(B)s bytes, %(M)s ms'
logconfig_dict = {
    "loggers": {
        f"gunicorn.{name}": {"level": "INFO", "handlers": ["stdout"], "propagate": False}
        for name in ("access", "error")
    },
    "root": {"level": "WARNING", "handlers": ["stdout"]},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": "ext://sys.stdout",
        },
    },
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
}
