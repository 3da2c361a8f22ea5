from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ChatWithUsConfig(AppConfig):
    name = "chatwithus"

    def ready(self) -> None:
        from chatwithus import celery  # noqa: F401  (every process publishes tasks through this application)


class OperatorAdminConfig(AdminConfig):
    default_site = "apps.tenants.site.OperatorSite"
