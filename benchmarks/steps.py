"""What a measurement does inside an installation, each step in a fresh process: `python -m benchmarks.steps NAME JSON`.

Prints one JSON object. The services called are those that pages and jobs call.
"""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import django
import numpy as np

django.setup()

from django.conf import settings  # noqa: E402  the models need Django's settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connection  # noqa: E402

from core.choices import JobState, Role  # noqa: E402
from core.jobs import job_claim, job_execute  # noqa: E402
from core.models import Job, Project, Tokenizer, User  # noqa: E402
from core.operations.prepare import collect_static, migrate  # noqa: E402
from core.services.people import membership_set, user_create  # noqa: E402
from core.services.projects import project_create  # noqa: E402
from curation.import_mapping import Mapping  # noqa: E402
from curation.models import DatasetVersion, NearMeaning, NearText, Pair, Revision, Task  # noqa: E402
from curation.models.embeddings import DIMENSIONS  # noqa: E402
from curation.selectors.export_files import version_chunks  # noqa: E402
from curation.services.embedding import BATCH as EMBEDDED  # noqa: E402
from curation.services.embedding import embeddings_keep  # noqa: E402
from curation.services.imports import LocalFile, import_start, import_upload  # noqa: E402
from curation.services.likeness import likeness_ask  # noqa: E402
from curation.services.search import search_update  # noqa: E402
from curation.services.tasks import task_create  # noqa: E402
from curation.services.versions import version_freeze  # noqa: E402
from ml.store import tokenizer_fingerprint  # noqa: E402

Found = dict[str, Any]
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
FILL = 5_000
ROLES = (Role.REVIEWER, Role.REVIEWER, Role.EXPERT)  # in the order of benchmarks.people.KINDS


def quiet(text: str) -> None:
    """Preparing tells a person what it does; a measurement does not."""


def prepare(people: int, model: str) -> Found:
    """Tables, static files, a project with an owner and `people` members, and a session for each of them."""
    migrate(quiet)
    collect_static(quiet)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody signs in with them
    if model:
        register_tokenizer(Path(model))
    owner = user_create(actor=None, email="owner@example.org", name="Owner", password="Twelve blue kettles")
    project = project_create(actor=owner, name="Load")
    members = [
        user_create(actor=None, email=f"p{n}@example.org", name=f"Person {n}", password="Twelve blue kettles")
        for n in range(people)
    ]
    for member, role in zip(members, cycle(ROLES), strict=False):
        membership_set(actor=owner, project=project, user=member, role=role)
    return {"project": project.slug, "sessions": [session_of(user) for user in members], "owner": session_of(owner)}


def register_tokenizer(model: Path) -> None:
    """The starter model's tokenizer alone, so that writing is metered as in an ordinary installation."""
    folder = Path(settings.MODEL_STORE) / "base" / model.name
    folder.mkdir(parents=True)
    for name in TOKENIZER_FILES:
        if (model / name).is_file():
            shutil.copy(model / name, folder / name)
    Tokenizer.objects.create(
        fingerprint=tokenizer_fingerprint(folder), name="Starter", folder=str(folder.relative_to(settings.MODEL_STORE))
    )


def session_of(user: User) -> str:
    """A session as signing in makes it."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    assert store.session_key is not None
    return store.session_key


def bring(task: str, path: str, approve: bool) -> Found:
    """Import a file of pairs by the ordinary job; the time until its rows are stored."""
    project, owner = Project.objects.get(), User.objects.get(email="owner@example.org")
    found = Task.objects.filter(slug=task).first() or task_create(actor=owner, project=project, name=task)
    batch = import_upload(actor=owner, task=found, upload=LocalFile(Path(path)))
    batch = import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=approve)
    seconds = job_run("import")
    batch.refresh_from_db()
    return {"seconds": seconds, "accepted": batch.accepted, "megabytes": most_megabytes()}


def index(task: str) -> Found:
    """The job that follows an import: checks, token counts, words to search by."""
    seconds = job_run("index")
    pairs = Pair.objects.filter(task__slug=task, found__isnull=False).count()
    return {"seconds": seconds, "pairs": pairs, "megabytes": most_megabytes()}


def fill(task: str) -> Found:
    """What the following job would leave of a big import, without its checks: findable, and nothing found."""
    ids = list(Pair.objects.filter(task__slug=task, search__isnull=True).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), FILL):
        Revision.objects.filter(pair__in=ids[start : start + FILL]).update(tokens=100)
        search_update(ids[start : start + FILL], [])
    Job.objects.filter(kind="index").delete()
    with connection.cursor() as cursor:
        # What PostgreSQL does by itself in the minutes after; what is measured next should not be its aftermath.
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    return {"pairs": len(ids)}


def compare(task: str) -> Found:
    """The job that keeps which pairs say nearly the same."""
    likeness_ask(actor=None, task=Task.objects.get(slug=task))
    seconds = job_run("likeness")
    near, meant = (model.objects.filter(task__slug=task).count() for model in (NearText, NearMeaning))
    return {"seconds": seconds, "near": near, "meant": meant, "megabytes": most_megabytes()}


def mean(task: str, count: int) -> Found:
    """Made-up meanings of the first pairs, kept as the job keeps them; one in fifty is nearly another's."""
    found = Task.objects.get(slug=task)
    pairs = list(Pair.objects.filter(task=found).order_by("pk").values_list("pk", "current_id")[:count])
    random = np.random.default_rng(1)
    vectors = 0.7 * random.normal(size=(400, DIMENSIONS))[random.integers(0, 400, len(pairs))]
    vectors += random.normal(size=vectors.shape)
    near = np.flatnonzero(random.random(len(pairs)) < 0.02)
    vectors[near] = vectors[near - 1] + 0.1 * random.normal(size=(len(near), DIMENSIONS))
    start = time.perf_counter()
    for place in range(0, len(pairs), EMBEDDED):
        part = slice(place, place + EMBEDDED)
        embeddings_keep(found, pairs[part], vectors[part].tolist())
    return {"seconds": time.perf_counter() - start, "pairs": len(pairs)}


def freeze(task: str) -> Found:
    version = version_freeze(actor=None, task=Task.objects.get(slug=task))
    seconds = job_run("freeze")
    version.refresh_from_db()
    return {"seconds": seconds, "version": version.pk, "pairs": version.counts["pairs"], "megabytes": most_megabytes()}


def export(version: int) -> Found:
    """A version as the file that a person downloads, thrown away piece by piece."""
    rows = 0
    start = time.perf_counter()
    for chunk in version_chunks(DatasetVersion.objects.get(pk=version), "apprentice"):
        rows += chunk.count(b"\n")
    return {"seconds": time.perf_counter() - start, "rows": rows, "megabytes": most_megabytes()}


def job_run(kind: str) -> float:
    """Run the waiting job of this kind as a worker would; the seconds it took. Raises RuntimeError if it failed."""
    Job.objects.filter(state=JobState.QUEUED).exclude(kind=kind).update(state=JobState.HELD)
    job = job_claim(queue="default", worker="benchmark")
    if job is None or job.kind != kind:
        raise RuntimeError(f"no job of kind {kind} waits")
    start = time.perf_counter()
    job_execute(job)
    seconds = time.perf_counter() - start
    job.refresh_from_db()
    if job.state != JobState.DONE:
        raise RuntimeError(f"the job {kind} ended {job.state}: {job.error}")
    return seconds


def most_megabytes() -> float:
    """The most memory that this process ever held; what `resource` tells begins with that of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


STEPS: dict[str, Callable[..., Found]] = {
    step.__name__: step for step in (prepare, bring, index, fill, compare, mean, freeze, export)
}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](**json.loads(sys.argv[2]))))
