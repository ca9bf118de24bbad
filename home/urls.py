from django.urls import path

from home.views.home import index

urlpatterns = [path("", index, name="index")]
