"""The steps from files to a model that has read them."""

from playwright.sync_api import expect

from tests.e2e.people import JOB
from tests.e2e.walk import Walk
from tests.ml.test_corpus import prose


def make_corpus(walk: Walk) -> None:
    """From a file to frozen text, with what was left out and why."""
    admin = walk.admin
    admin.go(walk.root("corpora/"))
    admin.sees("No corpus yet")
    admin.follow("Make a corpus")
    admin.field("Name").fill("Houses <b>& roofs</b>")
    texts = [("houses.md", "\n\n".join(prose(n, 12) for n in range(60))), ("short.txt", "No.")]
    files = [{"name": name, "mimeType": "text/plain", "buffer": text.encode()} for name, text in texts]
    admin.page.get_by_label("Files").set_input_files(files)
    admin.look()
    admin.press("Make the corpus")
    walk.ids["corpus"] = admin.number_in_url(r"/corpora/(\d+)/")
    admin.sees("Too short to learn from.", "Frozen; it never changes.", timeout=JOB)
    admin.look()


def prepare_pretraining(walk: Walk) -> None:
    """A new model that is to read it: made at once, and ready to be launched."""
    admin = walk.admin
    admin.follow("Pretrain a model on it")
    admin.page.get_by_label("Which model").select_option("new-tiny")
    admin.look()
    admin.press("Next: look at what it takes")
    admin.sees("Launch the pretraining", "Bytes a token", timeout=JOB)
    admin.look()


def bring_folder(walk: Walk) -> None:
    """A folder of documents, read in the background."""
    admin = walk.admin
    admin.go(walk.root("documents/new/"))
    texts = ["\n\n".join(prose(n * 8 + at, 12) for at in range(8)) for n in range(100, 112)]
    files = [
        {"name": f"house-{n}.txt", "mimeType": "text/plain", "buffer": text.encode()} for n, text in enumerate(texts)
    ]
    admin.page.get_by_label("Files").set_input_files(files)
    admin.press("Bring them in")
    expect(admin.main.locator(".stat", has_text="New documents")).to_contain_text("12", timeout=JOB)


def launch_chain(walk: Walk) -> int:
    """Documents, corpus, pretraining and finetuning as one launch; returns the id of the pretraining.

    It would go on for very long, so that it is sure to be under way when something happens to it.
    """
    admin = walk.admin
    admin.go(walk.root("models/"))
    admin.page.get_by_role("region", name="Base models").get_by_role("link").first.click()
    admin.sees("Fingerprint", timeout=JOB)  # on a busy machine it may still be under examination
    admin.go(walk.root("training/"))
    admin.follow("Pretrain on text")
    admin.page.get_by_label("Which text").select_option(label="The project's documents: a corpus is made of them first")
    admin.page.get_by_label("Which model").select_option(label="SmolLM2-135M-Instruct")
    admin.page.get_by_label("Quick").check()
    admin.page.get_by_label("Then teach it these pairs").select_option(index=1)
    admin.page.get_by_label("How thorough that is").select_option(label="Quick")
    admin.page.locator("details.fold > summary").first.click()
    for label, value in (
        ("Steps at most", "100000"),
        ("Passes over the data", "100"),
        ("Save every", "20"),
        ("Block of text", "16"),
    ):
        admin.page.get_by_label(label).fill(value)
    admin.look()
    admin.press("Next: look at what it takes")
    run = admin.number_in_url(r"/training/(\d+)/check/")
    admin.sees("Launch both, one after the other", timeout=JOB)
    admin.press("Launch both, one after the other")
    admin.number_in_url(r"/training/(\d+)/$")
    return run
