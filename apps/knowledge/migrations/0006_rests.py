from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0005_statistics'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='website',
            name='began_at',
        ),
        migrations.AddField(
            model_name='website',
            name='rests_until',
            field=models.DateTimeField(editable=False, help_text='As the site asked for.', null=True),
        ),
        migrations.AddField(
            model_name='website',
            name='spent_seconds',
            field=models.FloatField(default=0, editable=False, help_text='On this round, not in the queue.'),
        ),
    ]
