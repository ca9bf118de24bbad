"""The steps from an empty installation to a frozen version, as people do them. Each says what must come of it."""

import re

from playwright.sync_api import expect

from tests.e2e.hostile import rows_csv
from tests.e2e.people import JOB, Person
from tests.e2e.walk import Walk

EXPERT_NAME = "Edda <b>O'Brien</b> {{7*7}}"  # a name is text too
TYPO = "The beem carries the roof. Do not cut it without asking an engineer."
MENDED = "The beam carries the roof. Never cut it without asking an engineer."


def found_project(walk: Walk) -> None:
    """The one-time link makes the first admin, who makes a project that needs two people for a pair."""
    admin = walk.arrive("admin", "Ada")
    admin.join(walk.stack.admin_path)
    admin.go("/")
    admin.look()
    admin.go("/projects/new/")
    admin.page.get_by_label("Name").fill("Building advice")
    admin.page.get_by_label("Description").fill("What builders ask, answered by those who know.")
    admin.press("Make the project")
    expect(admin.page).to_have_url(re.compile(r"/p/building-advice/"))
    walk.ids["project"] = "building-advice"


def invite_people(walk: Walk) -> None:
    names = {"owner": "Olga", "expert": EXPERT_NAME, "reviewer": "Ravi", "viewer": "Vera"}
    for role, name in names.items():
        link = invitation(walk, role)
        person = walk.arrive(role, name, phone=role == "reviewer")
        person.join(link)
        expect(person.page).to_have_url(re.compile(r"/p/building-advice/$"))
        person.go(link)
        person.sees("This link opens nothing")
    walk.admin.go(walk.root("settings/"))
    walk.ids["user"] = user_id(walk.admin, "Vera")


def user_id(admin: Person, name: str) -> int:
    """From the row of a member in a project's settings, where the admin is."""
    action = admin.page.locator("tr", has_text=name).locator("form").first.get_attribute("action")
    found = re.search(r"/members/(\d+)/", action or "")
    assert found is not None
    return int(found[1])


def invitation(walk: Walk, role: str) -> str:
    """The path of a new one-time link."""
    walk.admin.go(walk.root("settings/"))
    walk.admin.page.get_by_label(re.compile(r"^Role \*$")).select_option(role)
    walk.admin.press("Make the link")
    link = walk.admin.page.locator("#new-link").inner_text()
    assert link.startswith(walk.stack.url), "the link leads to the address of this installation"
    return link


def make_task(walk: Walk) -> None:
    admin = walk.admin
    admin.go(walk.root("tasks/"))
    admin.sees("No task yet")
    admin.follow("Make the first task")
    admin.page.get_by_label("Name").fill("Advice")
    admin.page.get_by_label("System prompt").fill("You answer builders.")
    expect(admin.page.locator("#template-preview")).to_contain_text("You answer builders.")
    admin.look()
    admin.press("Make the task")
    walk.ids["task"], walk.ids["check"] = "advice", "misspelling"
    admin.sees("There are none yet. Two examples and three rules")
    admin.go(walk.root("tasks/advice/guidelines/"))
    admin.field("Guidelines").fill("# Rules\n\n- Be brief.\n- Say when an engineer is needed.")
    admin.press("Save")
    admin.sees("Say when an engineer is needed.")


def write_pair(walk: Walk) -> None:
    """With a misspelling: the editor says so while the expert types, keeps the draft, and takes it by Ctrl+Enter."""
    expert = walk.expert
    expert.go(walk.root("tasks/advice/write/"))
    page = expert.page
    expert.field("Instruction").fill("May I cut a beam?")
    expert.field("Response").fill(TYPO)
    expect(page.get_by_label("Findings in Response")).to_contain_text("beem")
    expect(page.locator("[data-autosave-status]")).to_have_attribute("data-state", "saved")
    expert.look()
    page.reload()
    expect(expert.field("Response")).to_have_value(TYPO)
    expert.field("Response").press("Control+Enter")
    expert.sees("Submitted. Here is the next one.")
    expect(expert.field("Response")).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('draft')).length") == 0


def submit_pair(expert: Person, walk: Walk, instruction: str, response: str) -> None:
    expert.go(walk.root("tasks/advice/write/?new=1"))
    expert.field("Instruction").fill(instruction)
    expert.field("Response").fill(response)
    expert.press("Submit and next")
    expert.sees("Submitted. Here is the next one.")


def return_pair(walk: Walk) -> None:
    """The reviewer, on a phone, may not return without a reason."""
    reviewer = walk.reviewer
    reviewer.go(walk.root("review/"))
    reviewer.sees("1 pair waits for you")
    reviewer.press("Start reviewing")
    reviewer.sees("May I cut a beam?", "Do not cut it without asking an engineer.")
    reviewer.look()
    reviewer.press("Return")
    reviewer.sees("This could not be saved yet")
    reviewer.field("Reason").fill("It is spelled beam, and say “never”.")
    reviewer.press("Return")
    reviewer.sees("Returned to its author.")


def correct_pair(walk: Walk) -> None:
    expert = walk.expert
    expert.go(walk.root("write/"))
    expert.sees("Came back to you")
    expert.follow("May I cut a beam?")
    expert.sees("Returned by Ravi", "It is spelled beam, and say “never”.")
    walk.ids["pair"] = expert.number_in_url(r"/pairs/(\d+)/edit/")
    expert.field("Response").fill(MENDED)
    expert.field("What did you change, and why?").fill("Spelling, and clearer.")
    expert.press("Submit")
    expert.sees("Submitted for review.")


def approve_pair(walk: Walk) -> None:
    """The reviewer sees word for word what the correction changed."""
    reviewer = walk.reviewer
    reviewer.go(walk.root("review/"))
    reviewer.press("Start reviewing")
    diff = reviewer.page.locator(".diff").first
    expect(diff.locator("del").first).to_contain_text("beem")
    expect(diff.locator("ins").first).to_contain_text("beam")
    reviewer.sees("Spelling, and clearer.")
    reviewer.look()
    reviewer.press("Approve")
    reviewer.sees("Approved.", "Nothing waits for your review now.")
    reviewer.go(walk.root(f"pairs/{walk.ids['pair']}/"))
    reviewer.sees("Approved", "Revision 2", "Reviewed by a second person")


def answer_apart(walk: Walk) -> None:
    """Two people answer one question without seeing each other; the admin, who did not, holds the choice. Another
    question is left in the admin's hands."""
    admin = walk.admin
    admin.go(walk.root("questions/"))
    admin.sees("No question here")
    ask_question(walk, "How far apart are joists?", people="2")
    for person, said in ((walk.expert, "Sixty centimetres."), (walk.owner, "By the drawing.")):
        person.go(walk.root("write/"))
        person.press("Take the next one")
        person.sees("How far", "2 people answer it")
        person.field("Response").fill(said)
        person.press("Submit and next")
        person.sees("Nothing of this kind waits for you now.")
    admin.go(walk.root("review/"))
    admin.press("Decide them")
    admin.sees("Sixty centimetres.", "By the drawing.")
    assert "Olga" not in admin.main.inner_text()
    admin.look()
    walk.ids["choice"] = admin.number_in_url(r"/work/(\d+)/answers/")
    ask_question(walk, "How is a joist hung?")
    admin.follow("How is a joist hung?")
    walk.ids["question"] = admin.number_in_url(r"/questions/(\d+)/")
    admin.go(walk.root("write/"))
    admin.press("Take the next one")
    walk.ids["asked"] = admin.number_in_url(r"/work/(\d+)/")
    admin.look()


def ask_question(walk: Walk, text: str, people: str = "1", topic: str = "") -> None:
    admin = walk.admin
    admin.go(walk.root("questions/ask/"))
    admin.field("Questions").fill(text)
    admin.page.get_by_label("Topic").fill(topic)
    admin.page.get_by_label("People who answer each").fill(people)
    admin.press("Ask them")
    admin.sees("1 question waits for answers now.")


def import_rows(walk: Walk) -> None:
    """Sixty hostile rows and two that cannot be taken."""
    admin = walk.admin
    admin.go(walk.root("tasks/advice/import/"))
    rows = rows_csv() + "An answer is missing here,,\r\n,A question is missing here,\r\n"
    file = {"name": "rows <b>of</b> {{7*7}}.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    admin.page.get_by_label("File").set_input_files([file])
    admin.press("Look at the file")
    walk.ids["batch"] = admin.number_in_url(r"/imports/(\d+)/")
    admin.sees("The first rows, as pairs", "<script>alert(1)</script>")
    admin.look()
    admin.page.get_by_label("Approve these rows").check()
    admin.press("Import into “Advice”")
    admin.sees("Refused rows", "approved by the import", timeout=JOB)
    expect(admin.page.locator("a.stat", has_text="Taken")).to_contain_text("60")
    expect(admin.page.locator(".stat", has_text="Refused")).to_contain_text("2")


def freeze_version(walk: Walk) -> None:
    admin = walk.admin
    admin.go(walk.root("tasks/advice/freeze/"))
    admin.sees("60 pairs are not reviewed by a second person.")
    admin.look()
    admin.page.get_by_label("Note").fill("The first one")
    admin.press("Freeze now")
    walk.ids["version"] = admin.number_in_url(r"/versions/(\d+)/")
    admin.sees("Fingerprint", timeout=JOB)
    expect(admin.page.locator("a.stat", has_text="Pairs")).to_contain_text("61")
