"""The steps of the loop, as people do them: through pages, by what they read there. Each says what must come of it."""

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
    walk.ids["task"] = "advice"
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


def prepare_run(person: Person, walk: Walk, name: str) -> int:
    """Fill in the launch form and come to the audit of the pairs."""
    person.go(walk.root("training/"))
    person.follow("Train a model")
    person.page.get_by_label("Quick").check()
    person.page.get_by_label("Name").fill(name)
    person.page.locator("details.fold > summary").first.click()
    person.page.get_by_label("Steps at most").fill("6")
    person.page.get_by_label("Save every").fill("6")
    person.look()
    person.press("Next: look at the pairs")
    return person.number_in_url(r"/training/(\d+)/check/")


def launch_run(walk: Walk) -> None:
    """The audit shows what each pair becomes, and only then there is a button that starts."""
    admin = walk.admin
    walk.ids["run"] = prepare_run(admin, walk, "First run")
    admin.sees("Ready to launch", "Pairs as the model sees them", timeout=JOB)
    expect(admin.page.locator(".token[data-kind=trained]").nth(1)).to_be_visible()
    admin.look()
    admin.press("Launch the training")
    expect(admin.page).to_have_url(re.compile(rf"/training/{walk.ids['run']}/$"))
    admin.sees("The training made model version 1.", timeout=JOB)
    admin.sees("Done", "Loss by step")
    admin.look()


def talk_to_it(walk: Walk) -> None:
    admin = walk.admin
    admin.follow("Talk to it")
    walk.ids["model_version"] = admin.number_in_url(r"/models/(\d+)/")
    admin.page.get_by_text("How it answers").click()
    admin.page.get_by_label("Longest answer").fill("12")
    admin.field("Your message").fill("May I cut a beam?")
    admin.press("Send")
    log = admin.page.locator("#chat-log")
    expect(log).to_contain_text(re.compile(r"tokens in|cut at the token limit"), timeout=JOB)
    answer = log.locator("li").last.inner_text()
    assert len(answer.strip()) > 20, answer
    admin.look()


def evaluate(walk: Walk) -> None:
    admin = walk.admin
    admin.go(walk.root("evaluations/"))
    admin.follow("Evaluate a model")
    admin.page.get_by_label("Longest answer").fill("8")
    admin.press("Start the evaluation")
    walk.ids["evaluation"] = admin.number_in_url(r"/evaluations/(\d+)/")
    admin.sees("Every measure", timeout=JOB)
    admin.sees("Base against finetuned", "Held-out loss", "ROUGE-L")
    expect(admin.page.locator("table", has_text="ROUGE-L").locator("tbody tr").first).to_contain_text(
        re.compile(r"\d\.\d+.*\d\.\d+", re.DOTALL)
    )


def open_round(walk: Walk, questions: int) -> int:
    """An owner lets the answers be graded; returns the round's id."""
    owner = walk.owner
    owner.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    owner.follow("Have it graded")
    owner.page.get_by_label("Questions").fill(str(questions))
    owner.press("Open the round")
    owner.sees("The round is open.")
    grade = owner.page.locator("#grades").get_by_role("link", name="Grade").first
    found = re.search(r"/grading/(\d+)/", grade.get_attribute("href") or "")
    assert found is not None
    return int(found[1])


def grade_blind(walk: Walk) -> None:
    """The reviewer grades on a phone, and nothing on the page tells which model answered."""
    walk.ids["grading_round"] = open_round(walk, 2)
    reviewer = walk.reviewer
    reviewer.go(walk.root("grading/"))
    reviewer.follow("Grade")
    for number in range(4):
        reviewer.sees(f"{number} graded, {4 - number} to go", "How good is this answer?")
        words = reviewer.main.inner_text()
        assert "First run" not in words
        assert "Tiny" not in words
        if number == 0:
            reviewer.look()
        for radio in reviewer.page.locator("input[type=radio][value='4']").all():
            radio.check()
        reviewer.page.get_by_label("Usable as it is").check()
        reviewer.press("Submit and next")
    reviewer.sees("Nothing is left for you here")


def close_round(walk: Walk) -> None:
    """Until then the owner sees no names; afterwards the page says what people and numbers say."""
    owner = walk.owner
    owner.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    owner.sees("4 of 4 grades given")
    assert owner.page.get_by_role("link", name="Item by item").count() == 0
    owner.look()
    owner.page.get_by_text("Close and show the names").click()
    owner.press("Close the round")
    owner.sees("The round is closed and the names are back.", "Base against finetuned")
    grades = owner.page.locator("#grades")
    expect(grades).to_contain_text("4.0")
    expect(grades).to_contain_text("First run")
    expect(owner.page.locator("table", has_text="ROUGE-L")).to_contain_text("First run")
    owner.look()


STEPS = [
    found_project, invite_people, make_task, write_pair, return_pair, correct_pair, approve_pair, import_rows,
    freeze_version, launch_run, talk_to_it, evaluate, grade_blind, close_round,
]  # fmt: skip
