import apps.tenants.owned
import apps.tenants.scope
import django.contrib.postgres.fields
import django.db.models.deletion
import pgvector.django.vector
import uuid
from django.db import migrations, models

from apps.tenants.postgres.protect import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0001_initial'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='passage',
            name='words',
        ),
        migrations.AddField(
            model_name='passage',
            name='language',
            field=models.CharField(blank=True, help_text="PostgreSQL's text search configuration; empty: not indexed yet.", max_length=20),
        ),
        migrations.AddField(
            model_name='passage',
            name='length',
            field=models.PositiveIntegerField(default=0, help_text="Its words and its heading's."),
        ),
        migrations.RemoveIndex(model_name="passage", name="passage_by_source"),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(
                models.F("tenant_id"),
                models.F("knowledge_id"),
                models.F("position"),
                include=("embedder", "language", "length"),
                name="passage_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(
                models.F("tenant_id"), condition=models.Q(("language", "")), name="passage_unindexed"
            ),
        ),
        migrations.CreateModel(
            name='Sentence',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('text', models.TextField()),
                ('length', models.PositiveIntegerField(help_text='Its words.')),
                ('embedding', pgvector.django.vector.VectorField(dimensions=384)),
                ('passage', apps.tenants.owned.TenantForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sentences', to='knowledge.passage')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(models.F('tenant_id'), models.F('passage'), models.F('position'), name='one_sentence_per_position')],
            },
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('knowledge_id', models.UUIDField()),
                ('language', models.CharField(max_length=20)),
                ('lexeme', models.TextField()),
                ('places', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), help_text='The sentence of each occurrence, by its position.', size=None)),
                ('length', models.PositiveIntegerField(help_text="The passage's.")),
                ('passage', apps.tenants.owned.TenantForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='knowledge.passage')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(models.F('tenant_id'), models.F('language'), models.F('lexeme'), models.F('knowledge_id'), include=('passage', 'places', 'length'), name='term_by_lexeme'), models.Index(models.F('tenant_id'), models.F('passage'), name='term_by_passage')],
            },
        ),
        Protect("Sentence"),
        Protect("Term"),
        # In the row, where an exact search reads them one after the other: out of line each vector costs a look-up.
        migrations.RunSQL(
            "ALTER TABLE knowledge_passage ALTER COLUMN embedding SET STORAGE PLAIN",
            hints={"model_name": "passage"},
        ),
        migrations.RunSQL(
            "ALTER TABLE knowledge_sentence ALTER COLUMN embedding SET STORAGE PLAIN",
            hints={"model_name": "sentence"},
        ),
    ]
