"""The inbox and threads: who is told what, once, and who may read and take back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.choices import NoticeKind, Role
from core.denied import ApplicationError
from core.models import Comment, Notice, Project, Thread, User
from core.selectors.inbox import inbox_unread
from core.selectors.threads import mention_pattern, mentions_marked, thread_page
from core.services.inbox import notice_tell
from core.services.people import membership_remove, user_deactivate
from core.services.threads import comment_add, thread_settle
from tests.world import api_client, join, sign_in

pytestmark = pytest.mark.django_db
ABOUT = ("pair", 7)


def say(user: User, project: Project, body: str) -> Comment:
    return comment_add(actor=user, project=project, subject=ABOUT, url="/p/building-advice/pairs/7/", body=body)


def told(user: User) -> list[tuple[str, str, int]]:
    return [(notice.kind, notice.text, notice.count) for notice in Notice.objects.filter(user=user).order_by("pk")]


def test_who_is_named_is_told_and_so_is_who_spoke_before(
    project: Project, owner: User, expert: User, reviewer: User, stranger: User
) -> None:
    say(expert, project, "Is this right, @ravi? @Edda asks, @Stan too.")
    assert told(reviewer) == [("mentioned", "Is this right, @ravi? @Edda asks, @Stan too.", 1)]
    assert told(expert) == told(stranger) == []
    say(reviewer, project, "Yes.")
    assert told(expert) == [("answered", "Yes.", 1)]
    say(owner, project, "No, @Edda!")
    assert told(expert) == [("answered", "Yes.", 1), ("mentioned", "No, @Edda!", 1)]
    assert told(reviewer)[-1] == ("answered", "No, @Edda!", 1)


def test_names_are_found_as_people_write_them(project: Project, make_user: Callable[..., User]) -> None:
    for number, name in enumerate(("Anna Berg", "Anna Dahl", "José", "Bo")):
        user = make_user(f"P{number}")
        User.objects.filter(pk=user.pk).update(name=name)
        join(project, user, Role.EXPERT)
    comment = say(project.created_by, project, "@anna berg @Anna @josé, mail bo@example.org @Bob (@Bo)")  # type: ignore[arg-type]
    assert sorted(user.name for user in comment.mentioned.all()) == ["Anna Berg", "Bo", "José"]
    assert thread_page(project, ABOUT)["mentionable"] == ["Anna Berg", "Anna Dahl", "Bo", "José", "Olga"]


def test_letters_that_only_look_like_those_of_a_name_break_nothing(project: Project, expert: User) -> None:
    User.objects.filter(pk=expert.pk).update(name="Sim Iversen")
    for hostile in ("@ſim iversen", "@Sim İversen", "@sım Iversen"):
        assert say(expert, project, hostile).mentioned.count() == 0


def test_what_is_named_is_marked_and_nothing_of_the_text_is_lost() -> None:
    pattern = mention_pattern(["Bo", "Bo Ek"])
    text = "@bo ek and @Bo, <b>@Bob</b>"
    parts = mentions_marked(text, pattern)
    assert parts == [(True, "@bo ek"), (False, " and "), (True, "@Bo"), (False, ", <b>@Bob</b>")]
    assert mention_pattern([]) is None


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 4001, "a\x00b"])
def test_an_impossible_comment_is_refused_and_nothing_is_kept(project: Project, expert: User, body: str) -> None:
    with pytest.raises(ApplicationError):
        say(expert, project, body)
    assert not Comment.objects.exists()


def test_the_same_thing_twice_is_one_unread_line_and_a_new_one_after_reading(
    project: Project, owner: User, expert: User
) -> None:
    for _ in range(2):
        say(owner, project, "@Edda, please.")
    assert told(expert) == [("mentioned", "@Edda, please.", 2)]
    Notice.objects.update(read_at="2026-01-01T00:00Z")
    say(owner, project, "@Edda, again.")
    assert told(expert) == [("mentioned", "@Edda, please.", 2), ("mentioned", "@Edda, again.", 1)]
    assert inbox_unread(expert).count == 1


def test_only_active_members_are_told_and_who_leaves_keeps_nothing(
    project: Project, owner: User, expert: User, reviewer: User, admin: User, stranger: User
) -> None:
    user_deactivate(actor=admin, user=reviewer)
    everybody = [owner.pk, expert.pk, reviewer.pk, stranger.pk]
    notice_tell(users=everybody, project=project, kind=NoticeKind.ASSIGNED, actor=owner, subject=ABOUT, url="/p/x/")
    assert list(Notice.objects.values_list("user", flat=True)) == [expert.pk]
    membership_remove(actor=owner, project=project, user=expert)
    assert not Notice.objects.exists()


def test_the_page_counts_filters_opens_and_marks_as_read(
    project: Project, owner: User, expert: User, reviewer: User, django_assert_max_num_queries: Any
) -> None:
    say(owner, project, "@Edda <script>alert(1)</script> ‮abc")
    notice = Notice.objects.get()
    client: Client = sign_in(expert)
    page = client.get("/inbox/").content.decode()
    assert '<span class="count">1</span>' in page
    tabs = page.split('class="tabs"')[1].split("</nav>")[0]
    assert [tab for tab in ("All", *NoticeKind.labels) if f">{tab}<" in tabs] == ["All", "You were mentioned"]
    assert "&lt;script&gt;alert(1)" in page
    assert "Nothing here" in client.get("/inbox/?kind=returned").content.decode()
    assert client.get("/inbox/?kind=nonsense&before=x").status_code == 200
    assert sign_in(reviewer).post(f"/inbox/{notice.pk}/open/").status_code == 404
    answer = client.post(f"/inbox/{notice.pk}/open/")
    assert answer["Location"] == "/p/building-advice/pairs/7/"
    notice.refresh_from_db()
    assert notice.read_at is not None
    assert '<span class="count">1</span>' not in client.get("/inbox/").content.decode()
    for number in range(60):
        notice_tell(
            users=[expert.pk], project=project, kind=NoticeKind.RETURNED, actor=owner, subject=("pair", number), url="/"
        )
    with django_assert_max_num_queries(12):
        client.get("/inbox/")
    client.post("/inbox/read/", {"kind": "returned"})
    assert inbox_unread(expert).count == 0


def test_the_api_reads_and_marks_ones_own(project: Project, owner: User, expert: User, reviewer: User) -> None:
    say(owner, project, "@Edda and @Ravi")
    api = api_client(expert)
    (line,) = api.get("/api/v1/inbox/").json()["results"]
    assert (line["kind"], line["project"], line["read_at"]) == ("mentioned", "building-advice", None)
    theirs = Notice.objects.get(user=reviewer).pk
    assert api.post("/api/v1/inbox/read/", {"ids": [theirs]}, format="json").json() == {"read": 0}
    assert api.post("/api/v1/inbox/read/", {"ids": [line["id"]]}, format="json").json() == {"read": 1}
    assert inbox_unread(reviewer).count == 1
    elsewhere = api_client(owner, project=Project.objects.create(slug="x", name="X", created_by=owner))
    assert elsewhere.get("/api/v1/inbox/").json()["results"] == []


def test_a_comment_is_taken_back_by_its_author_or_an_owner_and_leaves_its_place(
    project: Project, owner: User, expert: User, reviewer: User
) -> None:
    comment = say(expert, project, "Oops, a name.")
    address = f"/p/{project.slug}/comments/{comment.pk}/remove/"
    assert sign_in(reviewer).post(address).status_code == 403
    assert Comment.objects.get().body == "Oops, a name."
    assert sign_in(expert).post(address)["Location"] == f"/p/{project.slug}/pairs/7/"
    assert (Comment.objects.get().body, Comment.objects.get().removed_at is not None) == ("", True)
    second = say(expert, project, "Again.")
    assert api_client(owner).delete(f"/api/v1/comments/{second.pk}/").status_code == 204


def test_a_settled_thread_opens_again_when_somebody_speaks(project: Project, expert: User) -> None:
    say(expert, project, "One.")
    thread = Thread.objects.get()
    thread_settle(actor=expert, thread=thread, settled=True)
    assert Thread.objects.get().state == "settled"
    say(expert, project, "Two.")
    assert Thread.objects.get().state == "open"
