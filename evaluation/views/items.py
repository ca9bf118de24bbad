"""Item by item: where the second model won and lost, and both answers side by side."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evaluation.access import answers_access, item_access
from evaluation.exports import FORMATS, export_rows
from evaluation.measures import measures
from evaluation.selectors.item import item_of
from evaluation.selectors.items import SORTS, item_page


@require_GET
def index(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    _access, found = answers_access(request, project, evaluation)
    page = item_page(found, request.GET.dict())
    context = {"evaluation": found, "page": page, "measures": measures(), "sorts": SORTS}
    return render(request, "evaluation/items.html", context)


@require_GET
def detail(request: HttpRequest, project: str, evaluation: int, item: int) -> HttpResponse:
    _access, found, row = item_access(request, project, evaluation, item)
    return render(request, "evaluation/item.html", {"evaluation": found, **item_of(found, row)})


@require_GET
def export(request: HttpRequest, project: str, evaluation: int) -> StreamingHttpResponse:
    """Every item with every model's answer and scores, as CSV for spreadsheets or as exact JSONL."""
    _access, found = answers_access(request, project, evaluation)
    kind = request.GET.get("format", "")
    kind = kind if kind in FORMATS else "jsonl"
    answer = StreamingHttpResponse(export_rows(found, kind), content_type=FORMATS[kind])
    answer["Content-Disposition"] = f'attachment; filename="evaluation-{found.pk}.{kind}"'
    return answer
