from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def index(request: HttpRequest) -> HttpResponse:
    """The projects a person belongs to."""
    return render(request, "home/index.html")
