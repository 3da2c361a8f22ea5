"""Every socket path and its door."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path, re_path

from consumers import doors
from consumers.chat import ChatConsumer
from consumers.dashboard import DashboardConsumer

sockets = URLRouter(
    [
        path("ws/chat/<uuid:agent_id>", doors.visitors(ChatConsumer.as_asgi())),
        path("ws/dashboard", AuthMiddlewareStack(doors.staff(DashboardConsumer.as_asgi()))),
        re_path(r"", doors.nowhere),
    ]
)
