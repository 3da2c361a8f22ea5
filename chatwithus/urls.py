from django.contrib import admin
from django.urls import include, path

from apps.api.avatars import avatar
from apps.api.health import livez, readyz
from apps.api.metrics import metrics
from apps.api.pulse import pulse
from apps.api.routes import api
from apps.console.demo import shop
from apps.console.session import to_sign_in
from chatwithus.isolation.page import isolation

handler403 = "apps.console.errors.forbidden"
handler404 = "apps.console.errors.not_found"
urlpatterns = [
    path("", shop, name="demo"),
    path("console/", include("apps.console.urls")),
    path("admin/login/", to_sign_in),
    path("admin/isolation/", admin.site.admin_view(isolation), name="isolation"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("avatars/<str:signed>", avatar),
    path("pulse", pulse),
    path("metrics", metrics),
    path("livez", livez),
    path("readyz", readyz),
]
