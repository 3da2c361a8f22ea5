from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.agents.providers import catalogue


class AgentsConfig(AppConfig):
    name = "apps.agents"

    def ready(self) -> None:
        """Tell the catalogue, which knows nothing of Django, what the installation adds to it."""
        from apps.agents import faces as faces  # hears of changes

        if wrong := [one for one in settings.SHARED_MODELS if ":" not in one]:
            message = f"SHARED_MODELS: write provider:model, such as openai:gpt-5-mini or ollama:*, not {wrong[0]!r}."
            raise ImproperlyConfigured(message)
        try:
            for name, path in settings.PROVIDERS.items():
                catalogue.register(name, path)
        except catalogue.NotAProvider as error:
            raise ImproperlyConfigured(f"PROVIDERS: {error}") from None
