"""The steps from files to a model that has read them."""

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
