import uuid

from django.db import migrations, models

import apps.tenants.scope
from apps.tenants.postgres.protect import Protect

COPY = """
    INSERT INTO knowledge_seen (id, tenant_id, knowledge_id, document_id, at)
    SELECT gen_random_uuid(), tenant_id, knowledge_id, document_id, max(as_of)
    FROM knowledge_passage WHERE document_id IS NOT NULL AND as_of IS NOT NULL
    GROUP BY tenant_id, knowledge_id, document_id
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0006_rests'),
    ]

    operations = [
        migrations.CreateModel(
            name='Seen',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('knowledge_id', models.UUIDField()),
                ('document_id', models.UUIDField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(models.F('tenant_id'), models.F('knowledge_id'), name='seen_by_source')],
                'constraints': [models.UniqueConstraint(models.F('tenant_id'), models.F('document_id'), name='one_sight_per_document')],
            },
        ),
        Protect("Seen"),
        migrations.RunSQL(COPY, migrations.RunSQL.noop, hints={"model_name": "seen"}),
        migrations.RemoveField(model_name='passage', name='as_of'),
    ]
