from django.contrib import admin

from apps.chats.models import Chat, ContentChat
from apps.tenants.admin import ReadOnlyAdmin


@admin.register(Chat)
class ChatAdmin(ReadOnlyAdmin):
    list_display = ("id", "agent", "handled_by", "last_exchange", "last_at")


@admin.register(ContentChat)
class ContentChatAdmin(ReadOnlyAdmin):
    list_display = ("chat", "number", "state", "created_at")
