import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0005_calls'),
    ]

    operations = [
        migrations.AlterField(
            model_name='agent',
            name='temperature',
            field=models.FloatField(blank=True, default=0.2, help_text="How much answers to the same differ; empty for the model's own, since some take no other.", null=True, validators=[django.core.validators.MinValueValidator(0, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).'), django.core.validators.MaxValueValidator(2, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).')]),
        ),
        migrations.AlterField(
            model_name='draft',
            name='temperature',
            field=models.FloatField(blank=True, default=0.2, help_text="How much answers to the same differ; empty for the model's own, since some take no other.", null=True, validators=[django.core.validators.MinValueValidator(0, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).'), django.core.validators.MaxValueValidator(2, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).')]),
        ),
        migrations.AlterField(
            model_name='version',
            name='temperature',
            field=models.FloatField(blank=True, default=0.2, help_text="How much answers to the same differ; empty for the model's own, since some take no other.", null=True, validators=[django.core.validators.MinValueValidator(0, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).'), django.core.validators.MaxValueValidator(2, 'Choose a temperature from 0 (always alike) to 2 (hardly ever alike).')]),
        ),
    ]
