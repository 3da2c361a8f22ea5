from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "apps.analysis"

    def ready(self) -> None:
        from apps.analysis import receivers  # noqa: F401  (connects itself)
