from django.db import migrations

from apps.tenants.postgres.protect import Guards


class Migration(migrations.Migration):
    """Whoever was inside by a session that ended is out by then: to clear it away changes nothing for anybody."""

    dependencies = [
        ("tenants", "0005_remember_who_gave"),
    ]

    operations = [
        Guards("django_session", when="OLD.expire_date > now()"),
    ]
