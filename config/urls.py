from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core.views.errors import bad_request, forbidden, not_found, server_error

urlpatterns = [
    path("", include("home.urls")),
    path("", include("core.urls")),
    path("p/<slug:project>/", include("curation.urls")),
    path("p/<slug:project>/", include("training.urls")),
    path("p/<slug:project>/", include("evaluation.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("core.api.urls")),
    path("api/v1/", include("curation.api.urls")),
    path("api/v1/", include("training.api.urls")),
    path("api/v1/", include("evaluation.api.urls")),
    path("api/v1/", include("home.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
handler400 = bad_request
handler403 = forbidden
handler404 = not_found
handler500 = server_error
