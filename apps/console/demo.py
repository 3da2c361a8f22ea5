"""The demo shop: a page such as a tenant has, with the one line of HTML in it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.agents.models import Agent
from apps.tenants import scope
from apps.tenants.models import Tenant

DEMO = "fernhill"
QUESTIONS = (
    "How long do I have to return something?",
    "What does delivery cost?",
    "How do I wash my sleeping bag?",
    "When is your shop open?",
)


def shop(request: HttpRequest) -> HttpResponse:
    """404 where no demo was opened, as in production."""
    tenant = Tenant.objects.filter(slug=DEMO, suspended_at=None).first()
    if tenant is None:
        raise Http404("No demo was opened here.")
    with scope.scoped_to(tenant.id):
        agent = Agent.objects.order_by("created_at").first()
    context = {
        "agent_id": agent.id if agent else "",
        "shop_name": tenant.name,
        "questions": QUESTIONS,
        "console_url": "/console/",
    }
    return render(request, "demo/shop.html", context)
