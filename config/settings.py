"""Settings of Apprentice. Everything an operator may change comes from the environment; see docs/operating.md."""

import os
from pathlib import Path
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _

from config import embedded
from config.environment import (
    BASE,
    database,
    env_bool,
    env_hours,
    env_int,
    env_level,
    env_list,
    env_zone,
    home_folder,
    secret_key,
    web_size,
)

HOME: Path = home_folder()
SECRET_KEY = secret_key(HOME)
DEBUG = env_bool("DEBUG", False)

# --- where it listens -------------------------------------------------------------------------------------------------
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, 1, 65535)
TLS = bool(os.environ.get("TLS_CERT")) and bool(os.environ.get("TLS_KEY"))
WEB_WORKERS, WEB_THREADS = web_size()
TRUSTED_PROXY = os.environ.get("TRUSTED_PROXY", "")
SECURE = TLS or bool(TRUSTED_PROXY)
# Strict even on loopback: a website the user visits must not reach us through a name it made point here.
ALLOWED_HOSTS = [
    *env_list("ALLOWED_HOSTS"),
    "localhost",
    "127.0.0.1",
    "[::1]",
    *([HOST] if HOST not in {"0.0.0.0", "::"} else []),
]
CSRF_TRUSTED_ORIGINS = [f"https://{name}" for name in env_list("ALLOWED_HOSTS")]

INSTALLED_APPS = [
    "core",
    "curation",
    "training",
    "evaluation",
    "home",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "knox",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "django_prometheus",
    "health_check",
    "csp",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.NoNul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "core.middleware.LoginRequired",
    "core.middleware.RefusalPage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.request_log.RequestLog",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context_processors.page",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "core.templatetags.parts"],
        },
    }
]

# --- data -------------------------------------------------------------------------------------------------------------
DATABASE_URL = os.environ.get("DATABASE_URL") or embedded.database_url(HOME)
DATABASES = {"default": database(DATABASE_URL)}
# The database, not Redis: login limits must hold while Redis is stopped.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "core_cache"},
    # Each process's own: for what every page asks and may be some seconds old.
    "near": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = os.environ.get("REDIS_URL") or embedded.broker_url(HOME)
MODEL_STORE = HOME / "models"
RUN_STORE = HOME / "runs"
CORPUS_STORE = HOME / "corpora"
UPLOADS = HOME / "uploads"
EXPORTS = HOME / "exports"
MODEL_SERVER = os.environ.get("MODEL_SERVER") or f"unix:{embedded.runtime_folder(HOME) / 'model.sock'}"
DOOR_ALLOW = env_list("DOOR_ALLOW")  # host:port, …; nothing leaves without it (core/door.py)
HUB = os.environ.get("HUB_ADDRESS") or "https://huggingface.co"  # asked only when an admin registers from it
STARTER_MODEL = MODEL_STORE / "base" / "smollm2-135m-instruct"
EMBEDDER = MODEL_STORE / "base" / "all-minilm-l6-v2"

# --- people -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "core.adapters.InvitationOnlyAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {"change_password": "core.forms.ChangePassword"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Apprentice"
MFA_TOTP_TOLERANCE = 1  # a code typed at the end of its half minute still counts
USERSESSIONS_TRACK_ACTIVITY = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_HTTPONLY = True
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # mail leaves only through the door, which is closed

# --- web safety -------------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY else None
X_FRAME_OPTIONS = "DENY"
SELF = "'self'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None
UPLOAD_LIMIT_BYTES = env_int("UPLOAD_LIMIT_MB", 2048, 1, 1_000_000) * 1024 * 1024

# --- language ---------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE / "locale"]
USE_TZ = True
TIME_ZONE = env_zone("TZ", "UTC")

# --- static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(UPLOADS)}},
    "staticfiles": {"BACKEND": "core.staticfiles.ModuleAwareStorage"},
}

# --- queue ------------------------------------------------------------------------------------------------------------
LEASE_SECONDS = env_int("LEASE_SECONDS", 60, 1, 3600)
HEARTBEAT_SECONDS = env_int("HEARTBEAT_SECONDS", 10, 1, 600)
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 15, 1, 600)
NIGHT_HOURS = env_hours("NIGHT_HOURS", "20-6")
STOP_GRACE_SECONDS = env_int("STOP_GRACE_SECONDS", 8, 1, 3600)
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False  # the sweeper is the only retry
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # A poke is sent while somebody's page waits; without these it would be tried for six seconds.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "core.tasks.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
}

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.Json", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.Keyset",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.errors.handle",
}
REST_KNOX = {"TOKEN_TTL": None, "AUTO_REFRESH": False, "TOKEN_PREFIX": "ap_"}
KNOX_TOKEN_MODEL = "core.ApiToken"
MIGRATION_MODULES = {"knox": None}  # its own table would refer to our people without being used
SPECTACULAR_SETTINGS = {
    "TITLE": "Apprentice",
    "DESCRIPTION": "Teach a small language model your own work. Pages and API call the same services.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Fields of one name with other values each need a name of their own in the schema.
    "ENUM_NAME_OVERRIDES": {
        "MemberRoleEnum": "core.choices.Role",
        "JobStateEnum": "core.choices.JobState",
        "WorkKindEnum": "core.choices.WorkKind",
        "AssignmentStateEnum": "core.choices.AssignmentState",
        "TaskKindEnum": "curation.choices.TaskKind",
        "RunStateEnum": "training.choices.RunState",
        "EvaluationStateEnum": "evaluation.choices.EvaluationState",
        "RoundKindEnum": "evaluation.choices.RoundKind",
        "QuestionKindEnum": "curation.choices.QuestionKind",
        "QuestionStateEnum": "curation.choices.QuestionState",
        "WebhookKindEnum": "core.choices.WebhookKind",
        "WebhookStateEnum": "core.choices.WebhookState",
        "PartEnum": "curation.choices.Part",
        "BulkKindEnum": "curation.choices.BulkKind",
        "NoticeKindEnum": "core.choices.NoticeKind",
        "ClaimKindEnum": ["write", "correct", "decline", "review", "adjudicate"],
        "TurnRoleEnum": ["user", "assistant"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- logs -------------------------------------------------------------------------------------------------------------
DJANGO_STRUCTLOG_CELERY_ENABLED = False
STAMPS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *STAMPS,
        structlog.processors.UnicodeDecoder(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
            "foreign_pre_chain": STAMPS,  # lines of Django and Celery get time, level and trace like our own
        }
    },
    "filters": {"secrets": {"()": "core.log_secrets.HideSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": env_level("LOG_LEVEL", "INFO")},
    # /health/ answers what failed; its library would add a trace at every look.
    "loggers": {"health_check": {"level": "ERROR"}},
}
