from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_guard_sessions"), ("otp_totp", "0003_add_timestamps")]

    operations = [
        migrations.CreateModel(
            name="Phone",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
        )
    ]
