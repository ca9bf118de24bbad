"""The people and the project that tests speak of: an owner, a teammate of each role, a stranger, an admin."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.choices import Role
from core.jobs import job_claim, job_execute
from core.models import Job, Project, User
from core.services.people import membership_set, token_create, user_create
from core.services.projects import project_create

PASSWORD = "Twelve blue kettles"


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    def make(name: str, *, is_admin: bool = False) -> User:
        return user_create(
            actor=None, email=f"{name.lower()}@example.org", name=name, password=PASSWORD, is_admin=is_admin
        )

    return make


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user("Olga")


@pytest.fixture
def project(owner: User) -> Project:
    return project_create(actor=owner, name="Building advice")


def join(project: Project, user: User, role: Role) -> User:
    membership_set(actor=project.created_by, project=project, user=user, role=role)
    return user


@pytest.fixture
def expert(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Edda"), Role.EXPERT)


@pytest.fixture
def reviewer(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Ravi"), Role.REVIEWER)


@pytest.fixture
def viewer(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Vera"), Role.VIEWER)


@pytest.fixture
def stranger(make_user: Callable[..., User]) -> User:
    """A member of another project."""
    user = make_user("Stan")
    project_create(actor=user, name="Elsewhere")
    return user


@pytest.fixture
def admin(make_user: Callable[..., User]) -> User:
    return make_user("Ada", is_admin=True)


def sign_in(user: User) -> Client:
    """A browser session of that person."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def api_client(user: User, *, project: Project | None = None, may_write: bool = True) -> APIClient:
    """An API client with a real token of that person."""
    _token, plain = token_create(actor=user, name="test", project=project, may_write=may_write, days=1)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {plain}")
    return client


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    return sign_in


@pytest.fixture
def api_as() -> Callable[..., APIClient]:
    return api_client


def run_jobs(queue: str = "default", *, most: int = 1000) -> list[Job]:
    """Do what a worker of this queue would do until nothing waits. For tests with `django_db(transaction=True)`."""
    done: list[Job] = []
    while len(done) < most and (job := job_claim(queue=queue, worker="test")):
        job_execute(job)
        job.refresh_from_db()
        done.append(job)
    return done
