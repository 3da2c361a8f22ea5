import uuid

import django.utils.timezone
from django.db import migrations, models

import apps.tenants.scope
from apps.tenants.postgres.protect import Protect


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("tenant_id", models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                (
                    "caller",
                    models.CharField(help_text="An API key's prefix, or a visitor's id.", max_length=60),
                ),
                ("digest", models.CharField(help_text="SHA-256 of the key.", max_length=64)),
                ("fingerprint", models.CharField(help_text="SHA-256 of what was asked.", max_length=64)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddIndex(
            model_name="idempotencykey",
            index=models.Index(models.F("tenant_id"), models.F("created_at"), name="idempotency_key_by_age"),
        ),
        migrations.AddConstraint(
            model_name="idempotencykey",
            constraint=models.UniqueConstraint(
                models.F("tenant_id"),
                models.F("caller"),
                models.F("digest"),
                name="one_question_per_key",
            ),
        ),
        Protect("IdempotencyKey"),
    ]
