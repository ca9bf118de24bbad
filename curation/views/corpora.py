"""Corpora: bring files, watch them being cleaned, read what was dropped and why."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.registries import lineage_of, panels_for
from core.views.telling import refusal_on, refusal_told
from curation.access import corpus_access
from curation.corpus_forms import CorpusForm
from curation.models import Document
from curation.selectors.corpora import corpora_of, corpus_page
from curation.services.corpora import corpus_again, corpus_delete, corpus_make
from ml.corpus.shapes import HELDOUT, TRAIN


@require_GET
def corpora(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    context = {"corpora": list(corpora_of(access.project)), "may_own": access.allows(Need.OWN)}
    return render(request, "curation/corpora.html", context)


def corpus_new(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    documents = Document.objects.filter(project=access.project).count()
    form = CorpusForm(request.POST or None, request.FILES or None, initial={"documents": bool(documents)})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusal_on(form):
            made = corpus_make(
                actor=access.user, project=access.project, name=given["name"], uploads=given["sources"],
                documents=given["documents"], source=given["source"], licence=given["licence"], **form.cleaning(),
            )  # fmt: skip
        if not form.errors:
            return redirect("curation:corpus-detail", project, made.pk)
    context = {"form": form, "documents": documents}
    return render(request, "curation/corpus_new.html", context, status=400 if form.is_bound and form.errors else 200)


@require_GET
def corpus_detail(request: HttpRequest, project: str, corpus: int) -> HttpResponse:
    access, found = corpus_access(request, project, corpus)
    part = request.GET.get("part", "")
    context = {
        **corpus_page(found, part if part in (TRAIN, HELDOUT) else ""),
        "may_own": access.allows(Need.OWN),
        "lineage": lineage_of("corpus", found),
        "panels": panels_for("corpus", found, access.user),
    }
    return render(request, "curation/corpus.html", context)


@require_POST
def corpus_retry(request: HttpRequest, project: str, corpus: int) -> HttpResponse:
    access, found = corpus_access(request, project, corpus, Need.OWN)
    with refusal_told(request, _("The corpus is made again.")):
        corpus_again(actor=access.user, corpus=found)
    return redirect("curation:corpus-detail", project, corpus)


@require_POST
def corpus_drop(request: HttpRequest, project: str, corpus: int) -> HttpResponse:
    access, found = corpus_access(request, project, corpus, Need.OWN)
    with refusal_told(request, _("The corpus is gone.")):
        corpus_delete(actor=access.user, corpus=found)
        return redirect("curation:corpora", project)
    return redirect("curation:corpus-detail", project, corpus)
