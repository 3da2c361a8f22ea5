import apps.tenants.owned
import apps.tenants.scope
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

from apps.tenants.postgres.protect import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0002_budgets'),
        ('knowledge', '0002_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='Calibration',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('threshold', models.FloatField(help_text='The least score of the best passage.')),
                ('kept', models.FloatField(help_text='Share of questions about its knowledge that it would answer.')),
                ('refused', models.FloatField(help_text='Share of questions about anything else that it would not.')),
                ('passages', models.PositiveIntegerField(help_text='How many there were then.')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('agent', apps.tenants.owned.TenantForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.agent')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(models.F('tenant_id'), models.F('agent'), name='one_calibration_per_agent')],
            },
        ),
        Protect("Calibration"),
    ]
