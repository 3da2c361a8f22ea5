"""The Celery application: `celery -A chatwithus worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatwithus.settings")

app = Celery("chatwithus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
