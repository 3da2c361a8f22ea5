from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.console import agents, chats, dashboard, inbox, knowledge, organisation, session

app_name = "console"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("login/", session.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(next_page="console:login"), name="logout"),
    path("tenant/", session.choose_tenant, name="choose_tenant"),
    path("agents/", agents.agents, name="agents"),
    path("agents/<uuid:pk>/", agents.edit, name="agent"),
    path("chats/<uuid:pk>/", chats.detail, name="chat"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<uuid:pk>/", inbox.chat, name="inbox_chat"),
    path("knowledge/", knowledge.shelf, name="knowledge"),
    path("knowledge/add/", knowledge.add, name="knowledge_add"),
    path("knowledge/<uuid:pk>/", knowledge.detail, name="knowledge_detail"),
    path("knowledge/<uuid:pk>/row/", knowledge.row, name="knowledge_row"),
    path("knowledge/<uuid:pk>/delete/", knowledge.delete, name="knowledge_delete"),
    path("organisation/", organisation.organisation, name="organisation"),
]
