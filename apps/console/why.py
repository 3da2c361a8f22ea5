"""Why an agent said what it said in one exchange of a chat."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.chats import explanations
from apps.chats.models import Chat
from apps.console.guards import staff


@staff("chats.read")
def why(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    chat = get_object_or_404(Chat.objects.select_related("agent"), id=pk)
    exchange = chat.exchanges.filter(number=number).first() if number < 2**31 else None
    if exchange is None:
        raise Http404
    context = {"chat": chat, "exchange": exchange, "explanation": explanations.find(exchange.id)}
    return render(request, "console/chats/why.html", context)
