"""Django without any service, for benchmarks that ask no database: imported before everything of the product."""

import os

import django

ADDRESS = "postgresql://nobody@127.0.0.1/nowhere"

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "chatwithus.settings",
    "DATABASE_URL": ADDRESS,
    "VECTOR_DATABASE_URL": ADDRESS,
    "REDIS_URL": "redis://127.0.0.1/0",
    "SECRET_KEY": "of a benchmark alone, which signs nothing at all",
    "LOG_LEVEL": "ERROR",
}
django.setup()
