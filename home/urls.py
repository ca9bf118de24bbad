from django.urls import path

from home.views import home, lineage

urlpatterns = [
    path("", home.index, name="index"),
    path("guide/", home.guide, name="guide"),
    path("p/<slug:project>/", home.project_home, name="project-home"),
    path("p/<slug:project>/lineage/<slug:kind>/<int:number>/", lineage.detail, name="lineage"),
]
