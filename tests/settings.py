"""The project's own settings, read from an environment that holds nothing of the developer's."""

import os

from tests import servers

_run = servers.begin()
for _name in (
    "DATABASE_URL",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "DEBUG",
    "METRICS_TOKEN",
    "SENTRY_DSN",
    "ALLOWED_HOSTS",
    "EMAIL_URL",
    "HTTPS",
):
    os.environ.pop(_name, None)
os.environ.update(servers.environment(_run))

from hitl_project.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405 - nothing is collected
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # noqa: F405 - for the same reason
