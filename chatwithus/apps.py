from django.apps import AppConfig


class ChatWithUsConfig(AppConfig):
    name = "chatwithus"

    def ready(self) -> None:
        from chatwithus import celery  # noqa: F401  (every process publishes tasks through this application)
