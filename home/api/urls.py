from django.urls import path

from home.api import overview

urlpatterns = [
    path("projects/<slug:project>/overview/", overview.overview, name="api-overview"),
    path("projects/<slug:project>/lineage/<slug:kind>/<int:number>/", overview.lineage, name="api-lineage"),
]
