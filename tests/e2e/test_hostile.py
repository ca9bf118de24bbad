"""Texts that try to be markup, templates, SQL or control tokens are shown as they were typed, wherever they appear."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e import learning, teaching
from tests.e2e.hostile import HOSTILE, LONG_WORD
from tests.e2e.people import Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "<script>alert(1)</script> {{7*7}} \u202e'--"
FIELDS = ("Instruction", "Input", "Response")
TOPIC = "oddities"
SHOWN = "<script>alert(1)</script> {{7*7}}"


@pytest.fixture
def finished(walk: Walk) -> Walk:
    return walk.to(learning.leave_work_open)


READ = """all => all.map(one => {
  const copy = one.cloneNode(true);
  copy.querySelectorAll('.visually-hidden').forEach(hint => hint.remove());
  return copy.textContent;
})"""


def texts(person: Person, selector: str) -> list[str]:
    """The texts of these elements as the page holds them, without the hints for screen readers."""
    return [str(text) for text in person.page.locator(selector).evaluate_all(READ)]


def links_to_pairs(person: Person) -> list[str]:
    return list(person.page.locator("tbody th a.row-link").evaluate_all("all => all.map(one => one.href)"))


def nothing_ran(person: Person) -> None:
    assert person.troubles() == []
    assert person.page.locator("main script, main img[src=x], main svg[onload]").count() == 0
    assert "49" not in person.main.inner_text().split(), "a template was evaluated"


def test_every_text_typed_into_the_editor_comes_back_unchanged(finished: Walk) -> None:
    """Ten pairs typed one after the other, each of three texts: listed, shown, and put back into the editor."""
    expert = finished.expert
    triples = [HOSTILE[start : start + 3] for start in range(0, len(HOSTILE), 3)]
    for triple in triples:
        expert.go(finished.root("tasks/advice/write/?new=1"))
        for name, odd in zip(FIELDS, triple, strict=True):
            expert.field(name).fill(odd)
        expert.field("Topic").fill(TOPIC)
        expert.press("Submit and next")
        expert.sees("Submitted. Here is the next one.")
    expert.go(finished.root(f"pairs/?topic={TOPIC}"))
    listed = texts(expert, "tbody th a.row-link")
    assert listed == [triple[0] for triple in reversed(triples)]
    nothing_ran(expert)
    for link, triple in zip(links_to_pairs(expert), reversed(triples), strict=True):
        expert.go(link)
        assert texts(expert, ".sheet:not(.diff)")[:3] == list(triple)
        nothing_ran(expert)
        expert.go(f"{link}edit/")
        for name, odd in zip(FIELDS, triple, strict=True):
            expect(expert.field(name)).to_have_value(odd)
        expert.look(axe=False)


def test_a_review_shows_them_as_text(finished: Walk) -> None:
    reviewer = finished.reviewer
    reviewer.go(finished.root(f"pairs/?topic={TOPIC}"))
    for link in links_to_pairs(reviewer)[:4]:
        reviewer.go(link)
        reviewer.press("Review")
        reviewer.sees("Review pair")
        nothing_ran(reviewer)
        reviewer.look(axe=False)


def test_a_grader_sees_them_as_text(finished: Walk) -> None:
    """Every test item came from the hostile import; the one under the grader's eyes is compared with its own row."""
    number = learning.open_round(finished, 1)
    reviewer = finished.reviewer
    reviewer.go(finished.root(f"grading/{number}/"))
    reviewer.page.get_by_text("Show the expert's answer").click()
    shown = "\n".join(texts(reviewer, ".sheet"))
    assert any(odd in shown for odd in HOSTILE) or teaching.MENDED in shown
    nothing_ran(reviewer)
    learning.end_round(finished)


def test_the_names_of_a_project_and_a_task_are_text(finished: Walk) -> None:
    admin = finished.admin
    admin.go("/projects/new/")
    admin.page.get_by_label("Name").fill(NAME)
    admin.page.get_by_label("Description").fill(LONG_WORD[:400])
    admin.press("Make the project")
    admin.sees("The project is made.")
    expect(admin.page.get_by_label("Name")).to_have_value(NAME)
    home = admin.page.url.removesuffix("settings/")
    admin.go(f"{home}tasks/new/")
    admin.page.get_by_label("Name").fill(NAME)
    admin.page.get_by_label("System prompt").fill("{{instruction}} {% now 'Y' %} </pre><script>alert(8)</script>")
    expect(admin.page.locator("#template-preview")).to_contain_text("<script>alert(8)</script>")
    admin.press("Make the task")
    task = admin.page.url
    for path in (home, f"{home}tasks/", task, f"{task}write/?key=odd", f"{home}pairs/", f"{home}versions/", "/"):
        admin.go(path)
        expect(admin.page.locator("body")).to_contain_text(SHOWN)
        nothing_ran(admin)
        admin.look(axe=False)


def test_the_api_refuses_what_no_text_may_hold(finished: Walk) -> None:
    expert = finished.expert
    expert.go("/profile/")
    expert.field("Name").nth(1).fill("hostile")
    expert.page.get_by_label("May write, not only read").check()
    expert.press("Make the token")
    token = expert.page.locator("#new-token").inner_text()
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}

    def send(response: str) -> tuple[int, str]:
        body = {"task": 1, "instruction": "Odd", "response": response}
        answer = expert.page.request.post(f"{expert.url}/api/v1/pairs/", headers=headers, data=json.dumps(body))
        return answer.status, answer.text()

    for bad in ("a\x00b", "a\ud800b"):
        status, told = send(bad)
        assert status == 400, told
        assert "response" in told
    assert send("<script>alert(9)</script>")[0] == 201
