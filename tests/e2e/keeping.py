"""The steps beside the loop: documents, an action over a filter, a packed version, an erasure, a webhook."""

import re

from playwright.sync_api import expect

from tests.e2e import teaching
from tests.e2e.people import JOB
from tests.e2e.walk import Walk
from tests.ml.test_corpus import prose

FORGOTTEN = "Wilhelmina Quist"
ADDRESS = "https://hooks.example.org:443/apprentice"


def bring_documents(walk: Walk) -> None:
    """One that becomes passages, and one that cannot be read and says why."""
    admin = walk.admin
    admin.go(walk.root("documents/new/"))
    text = "# Scaffolds\n\n" + "\n\n".join(prose(n, 12) for n in range(9))
    texts = [("scaffolds <b>up</b>.md", text), ("none.pdf", "")]
    files = [{"name": name, "mimeType": "text/plain", "buffer": text.encode()} for name, text in texts]
    admin.page.get_by_label("Files").set_input_files(files)
    admin.press("Bring them in")
    walk.ids["upload"] = admin.number_in_url(r"/uploads/(\d+)/")
    expect(admin.main.locator("tr", has_text="none.pdf")).to_contain_text("The file is empty", timeout=JOB)
    admin.go(walk.root("documents/"))
    admin.follow("Scaffolds")
    walk.ids["document"] = admin.number_in_url(r"/documents/(\d+)/")
    admin.press("Ask for pairs of all")
    admin.sees("Waits for a writer")
    admin.follow("Passage 1")
    walk.ids["passage"] = admin.number_in_url(r"/passages/(\d+)/")


def change_all(walk: Walk) -> None:
    admin = walk.admin
    admin.go(walk.root("tasks/advice/bulk/?state=approved"))
    admin.page.get_by_label("Add a tag").check()
    admin.page.get_by_label("Tag", exact=True).fill("<i>first</i>")
    admin.press("Change them all")
    walk.ids["action"] = admin.number_in_url(r"/bulk/(\d+)/")
    expect(admin.page.locator(".stat", has_text="Changed")).to_contain_text(re.compile(r"[6-9]\d"), timeout=JOB)


def pack_version(walk: Walk) -> None:
    admin = walk.admin
    admin.go(walk.root(f"versions/{walk.ids['version']}/exports/"))
    admin.press("Pack it")
    walk.ids["export"] = admin.number_in_url(r"/exports/(\d+)/")
    admin.sees("SHA-256", timeout=JOB)


def erase_words(walk: Walk) -> None:
    """A name that must go, in a pair that no version holds."""
    teaching.submit_pair(walk.expert, walk, "Who keeps the ladder?", f"{FORGOTTEN} keeps it.")
    admin = walk.admin
    admin.go(walk.root("erasures/"))
    admin.page.locator("[name=scope][value=words]").check()
    admin.page.get_by_label("Words", exact=True).fill(FORGOTTEN)
    admin.press("Show what would go")
    admin.look()
    admin.page.get_by_label("Reason").fill("Request 7")
    admin.page.get_by_label("Type the short name").fill(walk.ids["project"])
    admin.press("Erase for good")
    walk.ids["erasure"] = admin.number_in_url(r"/erasures/(\d+)/")
    admin.sees("What was erased", timeout=JOB)


def add_webhook(walk: Walk) -> None:
    """The operator's door is closed, so its log has something to say; then it rests."""
    admin = walk.admin
    admin.go("/webhooks/")
    admin.page.get_by_label("Address").fill(ADDRESS)
    admin.page.get_by_label("A job was cancelled").check()
    admin.press("Make the webhook")
    admin.sees("Shown only now")
    admin.look()
    admin.follow(ADDRESS)
    walk.ids["webhook"] = admin.number_in_url(r"/webhooks/(\d+)/")
    admin.press("Pause")
    admin.sees("Paused")
