"""Making a project, its settings, its members."""

import pytest
from django.test import Client

from core.choices import Role
from core.models import Event, Membership, OneTimeLink, Project, User

pytestmark = pytest.mark.django_db


def settings_of(project: Project, **changes: object) -> dict[str, object]:
    kept = {"name": project.name, "description": "", "language": "en", "attribution": "", "reviewers": "1"}
    return {**kept, **changes}


def test_an_admin_makes_a_project_and_owns_it(admin: User, as_user: object) -> None:
    made = as_user(admin).post("/projects/new/", {"name": "Ärzte & Löhne", "language": "de"})
    project = Project.objects.get()
    assert made["Location"] == f"/p/{project.slug}/settings/"
    assert (project.slug, project.language, project.created_by) == ("arzte-lohne", "de", admin)
    assert Membership.objects.get(project=project, user=admin).role == Role.OWNER


def test_names_that_look_alike_get_slugs_of_their_own(admin: User, as_user: object) -> None:
    for name in ("Payroll", "payroll", "!!!", "建設"):
        assert as_user(admin).post("/projects/new/", {"name": name, "language": "en"}).status_code == 302
    assert sorted(Project.objects.values_list("slug", flat=True)) == ["payroll", "payroll-2", "project", "project-2"]


def test_nobody_else_makes_a_project(owner: User, as_user: object) -> None:
    before = Project.objects.count()
    assert as_user(owner).post("/projects/new/", {"name": "X", "language": "en"}).status_code == 404
    assert Project.objects.count() == before


def test_a_language_that_is_no_code_is_told_at_its_field(admin: User, as_user: object) -> None:
    response = as_user(admin).post("/projects/new/", {"name": "X", "language": "English!"})
    assert response.status_code == 400
    assert response.context["form"].errors["language"] == [
        "“English!” is no language that is known here; write its code, such as en, sv or pt-BR."
    ]
    assert not Project.objects.exists()


def test_the_owner_changes_settings_and_the_log_keeps_what_was(project: Project, owner: User, as_user: object) -> None:
    path = f"/p/{project.slug}/settings/"
    saved = as_user(owner).post(path, settings_of(project, name="Better name", solo="on"))
    assert saved["Location"] == path
    project.refresh_from_db()
    assert (project.name, project.solo) == ("Better name", True)
    event = Event.objects.get(action="project.changed")
    assert event.data["changed"] == {"name": ["Building advice", "Better name"], "solo": ["False", "True"]}


def test_the_page_explains_what_solo_means(project: Project, owner: User, as_user: object) -> None:
    page = as_user(owner).get(f"/p/{project.slug}/settings/").content.decode()
    assert "not reviewed by a second person" in page


@pytest.mark.parametrize("role", ["expert", "reviewer", "viewer"])
def test_a_member_without_the_role_changes_nothing(
    role: str, project: Project, as_user: object, request: pytest.FixtureRequest
) -> None:
    client = as_user(request.getfixturevalue(role))
    before = (Membership.objects.count(), Event.objects.count(), OneTimeLink.objects.count())
    base, owner = f"/p/{project.slug}/settings", project.created_by_id
    for path, data in (
        (f"{base}/", settings_of(project, name="Taken over")),
        (f"{base}/invite/", {"invite-role": "owner"}),
        (f"{base}/members/{owner}/role/", {"role": "viewer"}),
        (f"{base}/members/{owner}/remove/", {}),
        (f"{base}/remove-demo/", {}),
        (f"{base}/invitations/1/withdraw/", {}),
    ):
        response = client.post(path, data)
        assert response.status_code == 403, path
        assert b"you need one of these roles: Owner" in response.content
    project.refresh_from_db()
    assert project.name == "Building advice"
    assert (Membership.objects.count(), Event.objects.count(), OneTimeLink.objects.count()) == before


def test_an_invitation_from_the_settings_leads_into_the_project(project: Project, owner: User, as_user: object) -> None:
    shown = as_user(owner).post(f"/p/{project.slug}/settings/invite/", {"invite-email": "", "invite-role": "reviewer"})
    link = shown.context["link"].removeprefix("http://testserver")
    new = {"email": "new@example.org", "name": "Nora", "password": "Green lamps at noon"}
    assert Client().post(link, new).status_code == 302
    assert Membership.objects.get(project=project, user__email="new@example.org").role == Role.REVIEWER


def test_only_an_invitation_of_this_project_can_be_withdrawn_here(
    project: Project, owner: User, stranger: User, as_user: object
) -> None:
    elsewhere = Project.objects.get(name="Elsewhere")
    as_user(stranger).post(f"/p/{elsewhere.slug}/settings/invite/", {"invite-role": "expert"})
    link = OneTimeLink.objects.get()
    as_user(owner).post(f"/p/{project.slug}/settings/invitations/{link.pk}/withdraw/")
    assert OneTimeLink.objects.filter(pk=link.pk).exists()
    as_user(stranger).post(f"/p/{elsewhere.slug}/settings/invitations/{link.pk}/withdraw/")
    assert not OneTimeLink.objects.exists()


def test_roles_change_and_the_last_owner_stays(project: Project, owner: User, expert: User, as_user: object) -> None:
    client, base = as_user(owner), f"/p/{project.slug}/settings/members"
    told = client.post(f"{base}/{owner.pk}/role/", {"role": "viewer"}, follow=True)
    assert b"A project needs an owner" in told.content
    told = client.post(f"{base}/{owner.pk}/remove/", follow=True)
    assert b"A project needs an owner" in told.content
    client.post(f"{base}/{expert.pk}/role/", {"role": "owner"})
    assert client.post(f"{base}/{owner.pk}/remove/")["Location"] == "/"
    assert list(Membership.objects.filter(project=project).values_list("user", "role")) == [(expert.pk, "owner")]
    assert client.get(f"/p/{project.slug}/settings/").status_code == 404


def test_a_role_that_does_not_exist_changes_nothing(
    project: Project, owner: User, expert: User, as_user: object
) -> None:
    path = f"/p/{project.slug}/settings/members/{expert.pk}/role/"
    assert b"This is not a role" in as_user(owner).post(path, {"role": "emperor"}, follow=True).content
    assert Membership.objects.get(user=expert).role == Role.EXPERT


def test_a_person_of_another_project_cannot_be_named(
    project: Project, owner: User, stranger: User, as_user: object
) -> None:
    for verb in ("role", "remove"):
        path = f"/p/{project.slug}/settings/members/{stranger.pk}/{verb}/"
        assert as_user(owner).post(path, {"role": "viewer"}).status_code == 404
    assert not Membership.objects.filter(project=project, user=stranger).exists()


def test_only_the_demo_can_be_removed_with_one_click(project: Project, owner: User, as_user: object) -> None:
    path = f"/p/{project.slug}/settings/remove-demo/"
    assert b"Only the demo project" in as_user(owner).post(path, follow=True).content
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    assert as_user(owner).post(path)["Location"] == "/"
    assert not Project.objects.filter(pk=project.pk).exists()
    assert Event.objects.filter(action="project.demo_removed").exists()


def test_hostile_names_are_shown_as_text(project: Project, owner: User, expert: User, as_user: object) -> None:
    hostile = "<script>alert(1)</script>\u202e{{ 7|add:7 }}"
    User.objects.filter(pk=expert.pk).update(name=hostile)
    as_user(owner).post(f"/p/{project.slug}/settings/", settings_of(project, name=hostile, description=hostile))
    page = as_user(owner).get(f"/p/{project.slug}/settings/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7|add:7 }}" in page
