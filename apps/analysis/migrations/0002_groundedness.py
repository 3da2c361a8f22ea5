import apps.tenants.owned
import apps.tenants.scope
import django.db.models.deletion
import uuid
from django.db import migrations, models

from apps.tenants.postgres.protect import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0001_initial'),
        ('chats', '0005_given'),
    ]

    operations = [
        migrations.CreateModel(
            name='Groundedness',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('verdict', models.CharField(choices=[('supported', 'Says what the sources say'), ('partly', 'Says more than the sources'), ('unsupported', 'Not in the sources'), ('refused', 'Said that it does not know'), ('nothing', 'Claims nothing')], max_length=12)),
                ('support', models.FloatField(help_text='Share of its sentences that the sources support.', null=True)),
                ('unsupported', models.JSONField(default=list, help_text='The sentences that they do not.')),
                ('exchange', apps.tenants.owned.TenantForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='groundings', to='chats.contentchat')),
            ],
            options={
                'verbose_name_plural': 'groundedness',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(models.F('tenant_id'), models.F('exchange'), name='one_verdict_per_exchange')],
            },
        ),
        Protect("Groundedness"),
    ]
