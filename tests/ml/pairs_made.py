"""Pairs for the tests of what belongs together and of the split: made ones, and those of a real company."""

import json

from ml.split import PairText
from tests.reference.shared_data import shared_data


def pair(pair_id: str, instruction: str = "", **fields) -> PairText:
    return PairText(pair_id, instruction or f"Question {pair_id} about topic {pair_id}{pair_id}?", **fields)


def faq() -> list[PairText]:
    path = shared_data("zaragoza_construction_faq/faq-en.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [PairText(row["id"], row["q"], response=row["a"]) for row in rows]
