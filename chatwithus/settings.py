"""The only settings: flat, grouped by neighbour, each read from the environment by a typed reader (see env.py)."""

import os
import sys
from pathlib import Path
from typing import Any

from celery.schedules import crontab, schedule
from csp.constants import NONCE, NONE, SELF

from chatwithus.env import Environment, refuse_bare, refuse_default, refuse_weak

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()

# Only these two commands act as the owner of the tables; no serving process ever reads the owner's address.
_MIGRATES = sys.argv[1:2] == ["migrate"]
_AS_OWNER = _MIGRATES or sys.argv[1:2] == ["index_vectors"]
env = Environment(os.environ, DATA_DIR / "run.json", *([DATA_DIR / "owner.json"] if _AS_OWNER else []))

# Django
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1 localhost [::1]")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "apps.console.errors.forbidden"
ROOT_URLCONF = "chatwithus.urls"
ASGI_APPLICATION = "chatwithus.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
INSTALLED_APPS = [
    "chatwithus.apps.ChatWithUsConfig",
    *(["daphne"] if "runserver" in sys.argv else []),  # so that `runserver` speaks WebSocket; slow to import
    "chatwithus.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "ninja",  # serves the API's documentation page from here instead of from a CDN
    "apps.tenants",
    "apps.agents",
    "apps.knowledge",
    "apps.chats",
    "apps.analysis",
    "apps.api",
    "apps.console",
]
MIDDLEWARE = [
    "apps.api.metrics.MeasuringMiddleware",
    "apps.api.middleware.ProblemMiddleware",
    "chatwithus.headers.PolicyMiddleware",
    "chatwithus.inline.Security",
    "chatwithus.inline.Session",
    "chatwithus.inline.Common",
    "chatwithus.inline.Csrf",
    "chatwithus.inline.Authentication",
    "chatwithus.inline.Messages",
    "chatwithus.inline.FrameOptions",
    "apps.tenants.middleware.TenantMiddleware",
    "apps.api.middleware.PageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Databases: what is said (default) and what is known (vectors); a role without BYPASSRLS serves both.
_PREFIX = "OWNER_" if _AS_OWNER else ""
_POOL = {"min_size": 1, "max_size": env.integer("DATABASE_POOL_SIZE", 8), "timeout": 10}


def _database(name: str) -> dict[str, Any]:
    entry = env.postgres(_PREFIX + name)
    # A server that vanished without a word is given up after ten seconds, not after the kernel's quarter of an hour.
    given: dict[str, Any] = entry["OPTIONS"]  # type: ignore[assignment]
    options = {"connect_timeout": 5, "tcp_user_timeout": 10_000, **given}
    if _MIGRATES:  # whoever waits for a table to himself has everybody else who comes to it wait behind him
        options["options"] = f"-c lock_timeout=10s {options.get('options', '')}"
    if _AS_OWNER:
        return {**entry, "OPTIONS": options}
    # Checked at each checkout, so that a restart of PostgreSQL costs nobody an error afterwards.
    return {**entry, "OPTIONS": {**options, "pool": _POOL}, "CONN_HEALTH_CHECKS": True}


DATABASES = {"default": _database("DATABASE_URL"), "vectors": _database("VECTOR_DATABASE_URL")}
# Where a large tenant's vectors have an index: look at more of it than is asked for, and go on where a filter has left too few.
# What is prepared is planned once: it knows no index of one tenant, and does not wait five times to find that out.
if not _AS_OWNER:
    DATABASES["vectors"]["OPTIONS"]["options"] = " ".join(
        (
            DATABASES["vectors"]["OPTIONS"].get("options", ""),
            "-c hnsw.ef_search=100 -c hnsw.iterative_scan=relaxed_order -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan",
        )
    )
DATABASE_ROUTERS = ["apps.tenants.postgres.router.VectorRouter"]

# Who: staff sign in with Django's own authentication.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:dashboard"
SESSION_ENGINE = "apps.tenants.sessions"
DEPLOYMENT_KEYS = env.words("DEPLOYMENT_KEYS") or [SECRET_KEY]  # the first seals, all open
if not DEBUG:
    refuse_weak("SECRET_KEY", SECRET_KEY)
    refuse_weak("DEPLOYMENT_KEYS", *DEPLOYMENT_KEYS)
    refuse_default("DATABASE_URL", DATABASES["default"]["PASSWORD"])
    refuse_default("VECTOR_DATABASE_URL", DATABASES["vectors"]["PASSWORD"])
    refuse_bare("PUBLIC_URL", PUBLIC_URL)
VISITOR_TOKEN_DAYS = env.integer("VISITOR_TOKEN_DAYS", 30)
LIMITS = env.limits("LIMITS")  # other numbers than those of apps/tenants/limits.py and caps.py
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# What browsers are told. Over HTTPS cookies go nowhere else, and nobody asks over HTTP again. Nothing runs on a page of ours that
# did not come from here: no inline script or style without the page's nonce, no foreign host, no frame around it.
_IS_HTTPS = PUBLIC_URL.startswith("https:")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
SECURE_HSTS_SECONDS = 365 * 86400 if _IS_HTTPS and not DEBUG else 0
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, f"ws{PUBLIC_URL.removeprefix('http')}"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# With what mind
EMBEDDER = env.text("EMBEDDER", "minilm")
PROVIDERS = env.pairs("PROVIDERS", "")
PRICES = env.prices("PRICES")
DEFAULT_MIND = env.text("DEFAULT_MIND", "builtin")  # provider:model of agents that are added without one
MAX_OUTPUT_TOKENS = env.integer("MAX_OUTPUT_TOKENS", 1024)
DAILY_TOKENS = env.integer("DAILY_TOKENS", 2_000_000)  # a budget for whoever has set none; 0: none
# Servers that the operator gives to everybody, who keep none of their own; what an organisation keeps is sealed in the database.
OLLAMA_URL = env.text("OLLAMA_URL", "http://127.0.0.1:11434")
OPENAI_URL = env.text("OPENAI_URL", "")
OPENAI_API_KEY = env.text("OPENAI_API_KEY", "")
BEDROCK_REGION = env.text("BEDROCK_REGION", "")
BEDROCK_PROFILE = env.text("BEDROCK_PROFILE", "")
BEDROCK_ROLE = env.text("BEDROCK_ROLE", "")
BEDROCK_URL = env.text("BEDROCK_URL", "")
SHARED_MODELS = env.words("SHARED_MODELS", "ollama:*")  # of those servers; others cost the operator
PROVIDER_HOSTS = env.words("PROVIDER_HOSTS")  # hosts in the private network that organisations may name
PROVIDER_CONCURRENCY = env.integer("PROVIDER_CONCURRENCY", 32)

# Knowing what
EGRESS_ALLOW = env.words("EGRESS_ALLOW", "")
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 20 * 1024 * 1024)
MAX_SOURCES = env.integer("MAX_SOURCES", 2_000)
MAX_KNOWLEDGE_MB = env.integer("MAX_KNOWLEDGE_MB", 2_000)
PARSE_SECONDS = env.integer("PARSE_SECONDS", 120)
PARSE_MEMORY_MB = env.integer("PARSE_MEMORY_MB", 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # a million characters of pasted text
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Redis protocol: cache, queue and channel layer. redis-py's 5 s default socket timeout kills idle subscribers and its
# async pool of 100 connections leaves sockets silently outside their group, hence the two options.
REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "serializer": "chatwithus.plain.Plain"},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 10000}]},
    }
}

# Celery: the task is the hint, the row the truth. No result backend, short timeouts, no retries when publishing.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ROUTES = {
    "apps.knowledge.tasks.read_on": {"queue": "reading"},
    "apps.knowledge.tasks.complete_index": {"queue": "reading"},
}  # long; dashboards do not wait behind it
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "retry_on_timeout": False,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-unscored-exchanges": {"task": "apps.analysis.tasks.sweep", "schedule": schedule(30)},
    "rescue-abandoned-replies": {"task": "apps.chats.tasks.rescue", "schedule": schedule(5)},
    "end-idle-chats": {"task": "apps.chats.tasks.end_idle", "schedule": schedule(60)},
    "release-stale-reservations": {"task": "apps.agents.tasks.release_stale", "schedule": schedule(3600)},
    "delete-old-chats": {"task": "apps.chats.tasks.delete_old", "schedule": crontab(hour="3", minute="17")},
    "sweep-waiting-knowledge": {"task": "apps.knowledge.tasks.sweep", "schedule": schedule(30)},
    "forget-sessions": {"task": "apps.tenants.tasks.forget_sessions", "schedule": schedule(3600)},
    "forget-idempotency-keys": {"task": "apps.api.tasks.sweep", "schedule": schedule(3600)},
}

# Saying what: how long a process that answers is believed to live without a word, how long a reply goes on without a
# reader, and how long a provider may take.
LEASE_SECONDS = env.integer("LEASE_SECONDS", 10)
REPLY_GRACE_SECONDS = env.integer("REPLY_GRACE_SECONDS", 60)
FIRST_TOKEN_SECONDS = env.integer("FIRST_TOKEN_SECONDS", 30)
BETWEEN_TOKENS_SECONDS = env.integer("BETWEEN_TOKENS_SECONDS", 30)
REPLY_SECONDS = env.integer("REPLY_SECONDS", 300)

# How long a client may leave unread what it was sent before its connection is dropped.
UNREAD_SECONDS = env.integer("UNREAD_SECONDS", 60)

# Stopping: how long to serve on with readiness red, and how long replies may still run once the sockets are closed.
DRAIN_SECONDS = env.integer("DRAIN_SECONDS", 0)
FINISH_SECONDS = env.integer("FINISH_SECONDS", 10)

# Static files are served by an ASGI app in front of Django (chatwithus/static.py), so that no sync middleware is in the way.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "frontend" / "dist"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    # Clients of providers tell at DEBUG what they send, keys included.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("daphne", "httpx", "httpx2", "httpcore", "openai", "boto3", "botocore")
    }
    | {"urllib3": {"level": "ERROR"}},  # warns of headers that it cannot read, in full
}
