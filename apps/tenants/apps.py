from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class TenantsConfig(AppConfig):
    name = "apps.tenants"

    def ready(self) -> None:
        """Refuse other numbers for limits that do not exist, or that they do not fit."""
        from apps.tenants import caps, limits
        from apps.tenants import receivers as receivers  # connects itself

        for name, (most, seconds) in settings.LIMITS.items():
            if name not in limits.LIMITS | caps.CAPS:
                known = ", ".join(sorted(limits.LIMITS | caps.CAPS))
                raise ImproperlyConfigured(f"LIMITS: there is no limit called {name}. Known: {known}.")
            if most and bool(seconds) != (name in limits.LIMITS):
                example = "600/60" if name in limits.LIMITS else "50"
                raise ImproperlyConfigured(f"LIMITS: {name} must be like {example}.")
