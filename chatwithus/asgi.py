"""The ASGI application: lifespan, sockets, static files, and Django for the rest."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatwithus.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  (needs Django's apps to be ready)

from chatwithus.bodies import Bodies  # noqa: E402  (needs Django's apps to be ready)
from chatwithus.headers import Handshakes  # noqa: E402
from chatwithus.lifespan import lifespan  # noqa: E402
from chatwithus.static import StaticFiles  # noqa: E402
from consumers.routing import sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": Bodies(StaticFiles(django_application)),
        "websocket": Handshakes(sockets),
        "lifespan": lifespan,
    }
)
