import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0006_temperature'),
    ]

    operations = [
        migrations.AlterField(
            model_name='budget',
            name='cost',
            field=models.DecimalField(blank=True, decimal_places=6, help_text="By the operator's prices; empty: any.", max_digits=14, null=True),
        ),
        migrations.AlterField(
            model_name='price',
            name='input',
            field=models.DecimalField(decimal_places=4, help_text='Of a million tokens that go in.', max_digits=12, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AlterField(
            model_name='price',
            name='output',
            field=models.DecimalField(decimal_places=4, help_text='Of a million that come out.', max_digits=12, validators=[django.core.validators.MinValueValidator(0)]),
        ),
    ]
