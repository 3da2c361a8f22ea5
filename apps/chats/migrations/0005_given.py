from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chats', '0004_impressions'),
    ]

    operations = [
        migrations.AddField(
            model_name='contentchat',
            name='given',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='The passages the mind was given to read, by their ids.'),
        ),
    ]
