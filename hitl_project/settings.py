"""Every setting, read from the environment (and a ``.env`` file); `docs/` and the contract list the names."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from hitl_project import databases, environment, logs

BASE_DIR = Path(__file__).resolve().parent.parent
read = environment.Environment(Path(os.environ.get("ENV_FILE", BASE_DIR / ".env")))

# ── Where things are ────────────────────────────────────────────────────────────────────────────────────────────────
DATA_DIR = environment.writable_directory("DATA_DIR", Path(read.text("DATA_DIR", str(BASE_DIR / "var"))).absolute())
HOST = read.text("HOST", "127.0.0.1")
PORT = read.number("PORT", 8000, low=1, high=65535)
WEB_WORKERS = read.number("WEB_WORKERS", 2, low=1, high=128)
WEB_THREADS = read.number("WEB_THREADS", 8, low=1, high=128)
RQ_WORKERS = read.number("RQ_WORKERS", 2, low=1, high=128)
DEBUG = read.flag("DEBUG")
EMBEDDED_DATABASE = not (read.given("DATABASE_URL") or read.given("DATABASE_URL_FILE"))
DATABASE_URL = read.address(
    "DATABASE_URL", f"sqlite:///{DATA_DIR / 'countersign.sqlite3'}", schemes=("postgresql", "postgres", "sqlite")
)
EMBEDDED_REDIS = not (read.given("REDIS_URL") or read.given("REDIS_URL_FILE"))

# ── Trust ───────────────────────────────────────────────────────────────────────────────────────────────────────────
SECRET_KEY = environment.checked_secret_key(
    read.secret("SECRET_KEY") or (environment.kept_secret_key(DATA_DIR / "secret_key") if EMBEDDED_DATABASE else "")
)
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = read.listing("ALLOWED_HOSTS", [*LOOPBACK, *([] if HOST in {"0.0.0.0", "::", *LOOPBACK} else [HOST])])  # noqa: S104 - compared, not bound
CSRF_TRUSTED_ORIGINS = read.listing("CSRF_TRUSTED_ORIGINS", [])
if wrong := [origin for origin in CSRF_TRUSTED_ORIGINS if not origin.startswith(("http://", "https://"))]:
    environment.stop("CSRF_TRUSTED_ORIGINS", f"must hold origins such as https://desk.example, not {wrong[0]!r}.")
HTTPS = read.flag("HTTPS", default=any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS))
METRICS_TOKEN = read.secret("METRICS_TOKEN")

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = read.number("HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and read.flag("HSTS_SUBDOMAINS")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = (
    "countersign_session",
    "countersign_csrf",
    "countersign_language",
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = read.number("SESSION_SECONDS", 12 * 3600, low=60)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# Three foreign sets of pages carry style attributes of their own; scripts stay strict there too.
CSP_INLINE_STYLES = ("/admin/rq/", "/api/v1/docs/")
CSP_INLINE_STYLE_SOURCES = [SELF, UNSAFE_INLINE]

DATA_UPLOAD_MAX_MEMORY_SIZE = read.number("REQUEST_MAX_BYTES", 32 * 1024 * 1024, low=1024)
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# ── Applications ────────────────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "hitl_project.apps.BackOfficeConfig",
    "hitl_project.apps.ProjectConfig",
    "metrics",
    "feedback",
    "review",
    "cases",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_rq",
    "django_structlog",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "hitl_project.middleware.RequestIdentity",
    "django.middleware.security.SecurityMiddleware",
    "hitl_project.middleware.ContentPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hitl_project.middleware.DatabaseAway",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "hitl_project.middleware.LastSlash",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hitl_project.readers.ReadersOwn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hitl_project.middleware.RequestLog",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "hitl_project.urls"
WSGI_APPLICATION = "hitl_project.wsgi.application"
CSRF_FAILURE_VIEW = "hitl_project.errors.csrf_refused"
TEMPLATES = [
    {
        "BACKEND": "hitl_project.templating.Templates",
        "NAME": "django",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["hitl_project.icons"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── Sign-in ─────────────────────────────────────────────────────────────────────────────────────────────────────────
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "hitl_project.accounts.AccountBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = read.number("LOGIN_ATTEMPTS", 8, low=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
OIDC_SERVER_URL = read.address("OIDC_SERVER_URL", schemes=("https", "http"))
OIDC_CLIENT_ID = read.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = read.secret("OIDC_CLIENT_SECRET")
OIDC_NAME = read.text("OIDC_NAME", "Single sign-on")
SOCIALACCOUNT_PROVIDERS = environment.sign_in_providers(
    server_url=OIDC_SERVER_URL, client_id=OIDC_CLIENT_ID, client_secret=OIDC_CLIENT_SECRET, name=OIDC_NAME
)
OIDC_ENABLED = bool(SOCIALACCOUNT_PROVIDERS)
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += environment.origins(OIDC_SERVER_URL)
if not OIDC_ENABLED and any([OIDC_SERVER_URL, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET]):
    environment.stop("OIDC_SERVER_URL, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET", "must be set together.")
ACCOUNT_ADAPTER = "hitl_project.sign_in.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

# ── Database ────────────────────────────────────────────────────────────────────────────────────────────────────────
DATABASES = {
    "default": databases.configured(
        read.parsed("DATABASE_URL", DATABASE_URL, dj_database_url.parse),
        data_dir=DATA_DIR,
        statement_seconds=read.number("DATABASE_STATEMENT_SECONDS", 30),
    )
}
DATABASE_WAIT_SECONDS = read.number("DATABASE_WAIT_SECONDS", 30)  # how long a start waits for a server that is not up
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Redis and RQ ────────────────────────────────────────────────────────────────────────────────────────────────────
REDIS_SOCKET = environment.redis_socket(DATA_DIR)
REDIS_URL = environment.with_timeouts(
    read.address("REDIS_URL", environment.socket_url(REDIS_SOCKET), schemes=("redis", "rediss", "unix")),
    connect=2,
    answer=5,
)
RQ_QUEUES = {
    name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": seconds, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name, seconds in {"pipeline": 300, "effects": 300, "learning": 3600}.items()
}
RQ = {"COMMIT_MODE": "auto", "WORKER_CLASS": "hitl_project.workers.Worker"}
RQ_SHOW_ADMIN_LINK = False  # its pages are at /admin/rq/, for administrators alone

# A cache per process: a limit on callers must not depend on Redis being up.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}}

# ── The flow ────────────────────────────────────────────────────────────────────────────────────────────────────────
PIPELINE = {"received": "cases.jobs.classify", "classified": "review.jobs.route", "decided": "cases.jobs.deliver"}
HOOKS: dict[str, list[str]] = {  # what a lower app tells and asks the higher ones, inside its own transaction
    "case_cancelled": ["review.tasks.end_open_tasks"],
    "case_relabelled": ["review.tasks.relabel"],
    "case_erased": ["review.erasing.forget", "feedback.erasing.forget"],
    "concealed": ["review.shown.concealed_ids"],
    "decision_made": ["feedback.listeners.decision_made"],
    "decision_approved": ["feedback.listeners.decision_approved"],
    "sending": ["metrics.alerting.telling.fill_in"],
    "silent_queues": ["hitl_project.silence.silent_queues"],
    "similar": ["feedback.fingerprints.similar"],
    "planted": ["feedback.plantings.planted"],
    "case_events": ["review.planted.case_events"],
    "confusions": ["feedback.confusions.confusions"],
    "sample_read": ["feedback.listeners.task_read"],
}
COIN_SALT = read.text("COIN_SALT", SECRET_KEY)  # which cases are read blind depends on it
PIPELINE_LEASE_SECONDS = read.number("PIPELINE_LEASE_SECONDS", 120, low=1)
PIPELINE_BATCH = read.number("PIPELINE_BATCH", 500, low=1)
PIPELINE_ATTEMPTS = read.number("PIPELINE_ATTEMPTS", 3, low=1)
TASK_LEASE_SECONDS = read.number("TASK_LEASE_SECONDS", 600, low=1)
EFFECT_LEASE_SECONDS = read.number("EFFECT_LEASE_SECONDS", 120, low=1)  # a batch at its slowest takes half of it
SWEEP_SECONDS = read.number("SWEEP_SECONDS", 10, low=1)
PAYLOAD_MAX_BYTES = read.number("PAYLOAD_MAX_BYTES", 256 * 1024, low=1024)
PAYLOAD_MAX_DEPTH = read.number("PAYLOAD_MAX_DEPTH", 32, low=1, high=200)
LLM_BASE_URL = read.address("LLM_BASE_URL", schemes=("https", "http"))
LLM_API_KEY = read.secret("LLM_API_KEY")
LLM_MODEL = read.text("LLM_MODEL")
HTTP_CLASSIFIER_URL = read.address("HTTP_CLASSIFIER_URL", schemes=("https", "http"))
WEBHOOK_ALLOW_PRIVATE = read.flag("WEBHOOK_ALLOW_PRIVATE")
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "supplied": {"BACKEND": "cases.classifiers.supplied.SuppliedClassifier", "OPTIONS": {}},
    "local": {
        "BACKEND": "cases.classifiers.local.LocalClassifier",
        "OPTIONS": {"models": "feedback.registry.active_model"},
    },
    "llm": {
        "BACKEND": "cases.classifiers.llm.LlmClassifier",
        "OPTIONS": {
            "base_url": LLM_BASE_URL,
            "api_key": LLM_API_KEY,
            "model": LLM_MODEL,
            "prompts": "feedback.prompts.active_prompt",
        },
    },
    "http": {"BACKEND": "cases.classifiers.http.HttpClassifier", "OPTIONS": {"url": HTTP_CLASSIFIER_URL}},
}
ACTIONS: dict[str, dict[str, Any]] = {
    "webhook": {"BACKEND": "cases.actions.webhook.WebhookAction", "OPTIONS": {"allow_private": WEBHOOK_ALLOW_PRIVATE}},
    "email": {"BACKEND": "cases.actions.email.EmailAction", "OPTIONS": {}},
    "apprise": {"BACKEND": "metrics.alerting.chat.ChatAction", "OPTIONS": {"allow_private": WEBHOOK_ALLOW_PRIVATE}},
    "log": {"BACKEND": "cases.actions.log.LogAction", "OPTIONS": {}},
}

# ── API ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cases.api.parsers.StrictJson"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cases.api.authentication.BearerToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "cases.api.pagination.KeyPagination",
    "URL_FORMAT_OVERRIDE": None,  # ?format= names the format of a dataset
    "DEFAULT_SCHEMA_CLASS": "cases.api.openapi.Schema",
    "EXCEPTION_HANDLER": "cases.api.problems.problem_handler",
    "DEFAULT_THROTTLE_CLASSES": ["hitl_project.throttling.CallerRate"],
    "DEFAULT_THROTTLE_RATES": {
        "caller": f"{read.number('API_RATE_PER_MINUTE', 60_000, low=1)}/min",
        "stranger": f"{read.number('API_ANONYMOUS_RATE_PER_MINUTE', 120, low=1)}/min",
    },
    "NON_FIELD_ERRORS_KEY": "body",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Send cases in, read what was decided, and work the queues.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# ── Files, mail, language ───────────────────────────────────────────────────────────────────────────────────────────
STATIC_URL, STATIC_ROOT = "static/", Path(read.text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [directory for directory in [BASE_DIR / "static"] if directory.is_dir()]
MEDIA_ROOT = DATA_DIR / "media"  # there is no MEDIA_URL: files are handed out by views that ask who may see them
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
vars().update(
    read.parsed(
        "EMAIL_URL",
        read.address(
            "EMAIL_URL",
            "console://",
            schemes=("smtp", "smtps", "submission", "submit", "console", "file", "memory", "dummy"),
        ),
        dj_email_url.parse,
    )
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = read.text("EMAIL_FROM", "countersign@localhost")
EMAIL_TIMEOUT = 10
HUMAN_HOUR_COST = read.amount("HUMAN_HOUR_COST")  # US dollars; the cost report shows hours alone without it
USE_TZ = USE_I18N = True
TIME_ZONE = environment.checked_time_zone(read.text("TIME_ZONE", "UTC"))
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]

# ── Logs and error reports ──────────────────────────────────────────────────────────────────────────────────────────
LOG_FORMAT = read.text("LOG_FORMAT", "console", choices=("console", "json"))
LOG_LEVEL = read.text("LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logs.configuration(fmt=LOG_FORMAT, level=LOG_LEVEL)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
SENTRY_DSN = read.address("SENTRY_DSN", schemes=("https", "http"))
logs.report_errors(SENTRY_DSN)
