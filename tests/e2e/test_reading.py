"""From a folder of documents to a finetuned model in one launch, in a real browser, over real workers."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import reading, teaching
from tests.e2e.people import JOB
from tests.e2e.walk import Walk
from tests.faults.plant import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_documents_become_a_finetuned_model_though_the_worker_is_killed_on_the_way(walk: Walk) -> None:
    walk.to(teaching.freeze_version)
    admin = walk.admin
    reading.bring_folder(walk)
    run = reading.launch_chain(walk)
    folder = walk.stack.home / "runs" / f"run-{run}"
    wait_for(lambda: list(folder.glob("checkpoints/checkpoint-*/manifest.json")), JOB / 1000)
    walk.stack.kill_worker("train")
    resumed = folder / "attempt-2" / "events.jsonl"
    wait_for(lambda: resumed.is_file() and '"type": "step"' in resumed.read_text(), JOB / 1000)
    assert re.search(r"Continuing from step \d+", resumed.read_text())
    expect(admin.main).to_contain_text("Finish now", timeout=JOB)
    admin.page.locator("#run-finish > summary").click()
    admin.press("Finish and keep the model")
    admin.sees("The pretraining made a base model:", "Bits per byte", timeout=JOB)
    admin.look()
    admin.main.get_by_role("link", name="→").first.click()
    admin.sees("The training made model version", timeout=JOB)
    admin.follow("Talk to it")
    admin.sees("Documents · SmolLM2-135M-Instruct")
    assert admin.troubles() == []
