import apps.tenants.owned
import apps.tenants.scope
import django.db.models.deletion
import uuid
from django.db import migrations, models

from apps.tenants.postgres.protect import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0006_only_sessions_that_hold'),
    ]

    operations = [
        migrations.CreateModel(
            name='Portrait',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_id', models.UUIDField(default=apps.tenants.scope.current, editable=False)),
                ('image', models.BinaryField(help_text='A PNG, JPEG or WebP image.')),
                ('stamp', models.CharField(help_text='Changes when the image does; part of its address.', max_length=16)),
                ('member', apps.tenants.owned.TenantForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.membership')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(models.F('tenant_id'), models.F('stamp'), name='portrait_by_stamp')],
                'constraints': [models.UniqueConstraint(models.F('tenant_id'), models.F('member'), name='one_portrait_per_member')],
            },
        ),
        Protect("Portrait"),
    ]
