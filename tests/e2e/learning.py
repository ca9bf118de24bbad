"""The steps from a frozen version to grades, and what is left open afterwards for the tests of single pages."""

import re

from playwright.sync_api import expect

from tests.e2e import keeping, reading, teaching
from tests.e2e.people import JOB, Person
from tests.e2e.walk import Walk


def prepare_run(person: Person, walk: Walk, name: str) -> int:
    """Fill in the launch form and come to the audit of the pairs."""
    person.go(walk.root("training/"))
    # On a busy machine the starter model may still be under examination; the page goes on by itself.
    person.main.get_by_role("link", name="Train a model").first.click(timeout=JOB)
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
    expect(admin.page.locator("#run-facts"), "without a reload").to_contain_text("Ended at")
    expect(admin.page.locator("main"), "what was told at the launch is over").not_to_contain_text("in the queue")
    drawn = admin.page.locator(".chart-figure").first.bounding_box()
    assert drawn is not None
    assert drawn["height"] > 150, "the curve is to be seen"
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
    admin.sees("Takes about")
    admin.page.get_by_text("Details: filled in for most cases").click()
    admin.page.get_by_label("Longest answer").fill("8")
    admin.press("Start the evaluation")
    walk.ids["evaluation"] = admin.number_in_url(r"/evaluations/(\d+)/")
    admin.sees("Every measure", timeout=JOB)
    admin.sees("Base against finetuned", "Held-out loss", "ROUGE-L")
    expect(admin.page.locator("table", has_text="ROUGE-L").locator("tbody tr").first).to_contain_text(
        re.compile(r"\d\.\d+.*\d\.\d+", re.DOTALL)
    )


def open_round(walk: Walk, questions: int, kind: str = "grades") -> int:
    """An owner lets the answers be graded or voted on; returns the round's id."""
    owner = walk.owner
    owner.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    owner.follow("Have it graded")
    owner.page.get_by_label("What people do").select_option(kind)
    owner.page.get_by_label("Questions").fill(str(questions))
    owner.press("Open the round")
    owner.sees("The round is open.")
    judge = owner.page.locator("#grades").get_by_role("link", name="Vote" if kind == "votes" else "Grade").first
    found = re.search(r"/grading/(\d+)/", judge.get_attribute("href") or "")
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


def end_round(walk: Walk) -> None:
    owner = walk.owner
    owner.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    owner.page.get_by_text("Close and show the names").click()
    owner.press("Close the round")
    owner.sees("The round is closed and the names are back.")


def close_round(walk: Walk) -> None:
    """Until then the owner sees no names; afterwards the page says what people and numbers say."""
    owner = walk.owner
    owner.go(walk.root(f"evaluations/{walk.ids['evaluation']}/"))
    owner.sees("4 of 4 grades given")
    assert owner.page.get_by_role("link", name="Item by item").count() == 0
    owner.look()
    end_round(walk)
    owner.sees("Base against finetuned")
    grades = owner.page.locator("#grades")
    expect(grades).to_contain_text("4.0")
    expect(grades).to_contain_text("First run")
    expect(owner.page.locator("table", has_text="ROUGE-L")).to_contain_text("First run")
    owner.look()


def leave_work_open(walk: Walk) -> None:
    """A pair that came back, one under review by the admin, a draft of a text, a run before its launch, a link."""
    expert, reviewer, admin = walk.expert, walk.reviewer, walk.admin
    for topic in ("pillar", "ladder"):
        teaching.submit_pair(expert, walk, f"Is a {topic} heavy?", f"A {topic} is hevy, and the longer the hevier.")
    reviewer.go(walk.root("review/"))
    reviewer.press("Start reviewing")
    walk.ids["assignment"] = reviewer.number_in_url(r"/review/(\d+)/")
    reviewer.field("Reason").fill("Spelling.")
    reviewer.press("Return")
    reviewer.sees("Returned to its author.")
    reviewer.press("Skip")
    expert.go(walk.root("tasks/advice/write/?key=begun"))
    expert.field("Instruction").fill("What is a joist?")
    expect(expert.page.locator("[data-autosave-status]")).to_have_attribute("data-state", "saved")
    admin.go(walk.root("review/"))
    admin.press("Start reviewing")
    walk.ids["assignment"] = admin.number_in_url(r"/review/(\d+)/")
    admin.follow("with its history")
    walk.ids["waiting"] = admin.number_in_url(r"/pairs/(\d+)/")
    walk.ids["draft"] = prepare_run(admin, walk, "Prepared only")
    admin.sees("Ready to launch", timeout=JOB)
    admin.go(walk.root(f"evaluations/{walk.ids['evaluation']}/items/"))
    admin.page.locator("a.row-link").first.click()
    walk.ids["item"] = admin.number_in_url(r"/items/(\d+)/")
    admin.go(walk.root("models/"))
    admin.page.get_by_role("region", name="Base models").get_by_role("link").first.click()
    walk.ids["base"] = admin.number_in_url(r"/bases/(\d+)/")
    admin.go("/jobs/")
    admin.page.locator("main table a").first.click()
    walk.ids["job"] = admin.number_in_url(r"/jobs/(\d+)/")
    walk.ids["secret"] = teaching.invitation(walk, "viewer").rstrip("/").split("/")[-1]
    walk.ids["code"] = "too_long"


def ask_for_drafts(walk: Walk) -> None:
    """A model drafts answers, hidden from those who answer. What it drafts is chance, often nothing: it is untaught.
    So a draft is put in its place, and the admin answers beside it."""
    admin = walk.admin
    teaching.ask_question(walk, "Which nail holds a hanger?", topic="nails")
    admin.go(walk.root("drafts/new/"))
    admin.page.get_by_label("Model").select_option(label="SmolLM2-135M-Instruct")
    admin.page.get_by_label("Topic").fill("nails")
    admin.page.get_by_label("Longest draft").fill("16")
    admin.page.get_by_label("Blind").check()
    admin.press("Let it write")
    walk.ids["drafting"] = admin.number_in_url(r"/drafts/(\d+)/")
    expect(admin.main.locator(".job-panel")).to_contain_text("Done", timeout=JOB)
    walk.ids["answer"] = int(walk.stack.say("tests.e2e.drafted", str(walk.ids["drafting"]), admin.email))


STEPS = [
    teaching.found_project, teaching.invite_people, teaching.make_task, teaching.write_pair, teaching.return_pair,
    teaching.correct_pair, teaching.approve_pair, teaching.answer_apart, teaching.import_rows,
    teaching.freeze_version, launch_run, talk_to_it, evaluate, grade_blind, close_round,
    reading.make_corpus, reading.prepare_pretraining, leave_work_open,
    ask_for_drafts,
    keeping.bring_documents, keeping.change_all, keeping.pack_version, keeping.erase_words, keeping.add_webhook,
]  # fmt: skip
