"""Every socket path and its door."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from consumers import doors
from consumers.chat import ChatConsumer
from consumers.dashboard import DashboardConsumer
from consumers.inbox import InboxConsumer

_paths: list[Any] = [
    path("ws/chat/<uuid:agent_id>", doors.visitors(ChatConsumer.as_asgi())),
    path("ws/dashboard", doors.staff(DashboardConsumer.as_asgi(), "chats.read")),
    path("ws/inbox", doors.staff(InboxConsumer.as_asgi(), "chats.read")),
    re_path(r"", doors.nobody()),
]
sockets = URLRouter(_paths)
