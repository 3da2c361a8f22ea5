from django.contrib import admin
from django.urls import include, path

from apps.api.health import livez, readyz
from apps.api.routes import api
from apps.console.demo import shop

handler403 = "apps.console.errors.forbidden"
handler404 = "apps.console.errors.not_found"
urlpatterns = [
    path("", shop, name="demo"),
    path("console/", include("apps.console.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("livez", livez),
    path("readyz", readyz),
]
