from django.db import migrations

from apps.tenants.postgres.protect import Guards


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_people_and_access"),
        ("sessions", "0001_initial"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [
        Guards("django_session"),
        Guards("otp_totp_totpdevice", "confirmed"),
    ]
