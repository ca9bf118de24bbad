"""What the text checks reach on public data that nobody on this project wrote, figure by figure.

What a bar is measured on was held apart from what a check was made with. The misspelling check was fitted to the
English answers of the demo company (an older one to text-davinci-003), the unsupported check to every other paragraph
of xquad; gsm8k, the other paragraphs and the planted pairs were looked at only here. The personal data of presidio_pii
are so few that their numbers had been seen; the repetition check was fitted to the answers that it is measured on.
"""

import csv
import difflib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ml.checks import CheckContext, PairTexts, corpus_checks, corpus_links, get_check
from ml.checks.resemblance import spelling
from ml.near_duplicates import near_duplicates
from ml.words import words
from tests.reference.shared_data import shared_data

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Bar:
    """`count` of `total`, and the share that it must reach (`least`) or may at most have (`most`)."""

    what: str
    count: int
    total: int
    least: float = 0.0
    most: float = 1.0

    @property
    def share(self) -> float:
        return self.count / self.total

    @property
    def held(self) -> bool:
        return self.least <= self.share <= self.most

    @property
    def promise(self) -> str:
        return f"≤ {self.most:.0%}" if self.most < 1 else f"≥ {self.least:.0%}"


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shared_data(path).read_text(encoding="utf-8").splitlines()]


def answers(model: str) -> list[tuple[str, str]]:
    found = rows(f"self_instruct/predictions/{model}_predictions.jsonl")
    return [(row["prompt"], row["response"]) for row in found]


GOOD = {  # name -> (question, good answer) pairs, the largest share that may be flagged, slips that must be found
    "gsm8k": (lambda: [(row["question"], row["answer"]) for row in rows("gsm8k/test.jsonl")], 0.03, 0.9),
    "text-davinci-003": (lambda: answers("text-davinci-003"), 0.03, 0.9),
    "demo": (
        lambda: [(row["q"], row["a"]) for row in rows("zaragoza_construction_faq/faq-en.jsonl")],
        0.03,
        0.9,
    ),
}


def slip(word: str, chance: random.Random) -> str:
    """One letter dropped, swapped with the next, changed, or one too many; never the first."""
    place, letter = chance.randrange(1, len(word) - 1), chance.choice(LETTERS)
    before, here, after = word[:place], word[place], word[place + 1 :]
    return chance.choice([before + after, before + after[0] + here + after[1:], before + letter + after,
                          before + letter + here + after])  # fmt: skip


def misspelling(name: str) -> list[Bar]:
    """How many good texts are left alone, and how many slips are found."""
    load, most, least = GOOD[name]
    texts = [(question, answer) for question, answer in load() if answer.strip()]
    check, chance = get_check("misspelling"), random.Random(5)
    known = {word for question, answer in texts for word in re.findall(r"[a-z]+", f"{question} {answer}")}
    flagged = planted = found = 0
    for question, answer in texts:
        context = CheckContext(prompt=question)
        flagged += bool(check.find(answer, context))
        places = list(re.finditer(r"(?<=[a-z,] )[a-z]{5,12}(?=[ ,.])", answer))
        if not places:
            continue
        place = chance.choice(places)
        wrong = slip(place.group(), chance)
        if wrong in known or wrong in dictionary():
            continue  # a slip that makes another word is no misspelling
        planted += 1
        text = answer[: place.start()] + wrong + answer[place.end() :]
        found += any(one.start == place.start() for one in check.find(text, context))
    return [
        Bar(f"misspelling flags good texts, {name}", flagged, len(texts), most=most),
        Bar(f"misspelling finds injected slips, {name}", found, planted, least=least),
    ]


@lru_cache(maxsize=1)
def dictionary() -> frozenset[str]:
    return frozenset(spelling("en").word_frequency.dictionary)


def common_misspellings() -> list[Bar]:
    """Those that the Wikipedia lists."""
    wrong = [word for word in json.loads(shared_data("misspellings_wikipedia/dictionary.json").read_text("utf-8"))
             if re.fullmatch("[a-z]{4,}", word)]  # fmt: skip
    check = get_check("misspelling")
    caught = sum(1 for word in wrong if check.find(f"We saw the {word} there.", CheckContext()))
    return [Bar("misspelling finds the Wikipedia's common ones", caught, len(wrong), least=0.94)]


def repetition() -> list[Bar]:
    """A raw model's answers and those of one that was finetuned."""
    check = get_check("repetition")

    def flagged(model: str, **bar: float) -> Bar:
        texts = [text for _prompt, text in answers(model)]
        found = sum(1 for text in texts if check.find(text, CheckContext()))
        return Bar(f"repetition flags answers of {model}", found, len(texts), **bar)

    return [flagged("davinci", least=0.95), flagged("text-davinci-003", most=0.08)]


KINDS = {"PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IP_ADDRESS", "EMAIL_ADDRESS", "IBAN_CODE"}


def personal_data() -> list[Bar]:
    """Of the kinds that have a form. Names, streets and places have none and are not claimed."""
    check = get_check("personal_data")
    hits = missed = wrong = 0
    for row in json.loads(shared_data("presidio_pii/generated_small.json").read_text("utf-8")):
        marked = [span for span in row["spans"] if span["entity_type"] in KINDS]
        found = check.find(row["full_text"], CheckContext())
        touched = [
            any(one.start < span["end_position"] and span["start_position"] < one.end for one in found)
            for span in marked
        ]
        hits += sum(touched)
        missed += len(touched) - sum(touched)
        wrong += sum(
            not any(one.start < span["end_position"] and span["start_position"] < one.end for span in marked)
            for one in found
        )
    return [
        Bar("personal data, recall", hits, hits + missed, least=0.9),
        Bar("personal data, precision", hits, hits + wrong, least=0.8),
    ]


NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\d|(?<![\w.,])\d(?![\w,.])")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}")


def planted_sentences() -> Iterator[tuple[str, str, int, int]]:
    """(paragraph, sentence of it with one number or name replaced, place of it) from the paragraphs held apart."""
    articles = json.loads(shared_data("xquad/xquad.en.json").read_text("utf-8"))["data"]
    paragraphs = [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]
    chance = random.Random(7)
    for index in range(1, len(paragraphs), 2):
        paragraph, other = paragraphs[index], paragraphs[(index + 37) % len(paragraphs)]
        sentences = [found for found in re.split(r'(?<=[.!?])\s+(?=[A-Z"“])', paragraph) if len(found) > 40]
        sentence = chance.choice(sentences)
        for pattern in (NUMBER, NAME):
            more = [str(chance.randrange(13, 9999))] if pattern is NUMBER else []
            places = list(pattern.finditer(sentence))
            wrong = [one.group() for one in pattern.finditer(other)] + more
            wrong = [one for one in wrong if not re.search(rf"\b{re.escape(one)}\b", paragraph)]
            if places and wrong:
                place, put = chance.choice(places), chance.choice(wrong)
                text = sentence[: place.start()] + put + sentence[place.end() :]
                yield paragraph, text, place.start(), place.start() + len(put)


def unsupported() -> list[Bar]:
    """Numbers and names planted in sentences of a source that does not have them."""
    check = get_check("unsupported")
    hits = missed = wrong = 0
    for source, text, start, end in planted_sentences():
        found = check.find(text, CheckContext(source=source, instruction="Sum it up in one sentence."))
        touched = [one.start < end and start < one.end for one in found]
        hits += any(touched)
        missed += not any(touched)
        wrong += len(touched) - sum(touched)
    return [
        Bar("planted numbers and names, precision", hits, hits + wrong, least=0.9),
        Bar("planted numbers and names, recall", hits, hits + missed, least=0.8),
    ]


def near_pairs() -> list[Bar]:
    """Pairs of at least twenty words; one word in twenty dropped, changed or added. What else is found counts as right
    only if another measure (difflib on words) calls it at least three quarters alike."""
    pairs = [PairTexts(row["question"], row["answer"][:4000]) for row in rows("medquad/4_MPlus_Health_Topics_QA.jsonl")]
    pairs += [PairTexts(row["instruction"], row["instances"][0]["output"])
              for row in rows("self_instruct/user_oriented_instructions.jsonl")]  # fmt: skip
    with shared_data("banking77/train.csv").open(encoding="utf-8") as file:
        short = [row["text"] for row in csv.DictReader(file)]
    pairs += [PairTexts(short[index], " ".join(short[index + 1 : index + 3])) for index in range(0, 3000, 3)]
    pairs = list({pair: None for pair in pairs if len(f"{pair.question} {pair.response}".split()) >= 20})
    chance, size = random.Random(3), len(pairs)
    copies = {size + number: index for number, index in enumerate(chance.sample(range(size), 200))}
    pairs += [perturbed(pairs[index], chance) for index in copies.values()]
    check = next(one for one in corpus_checks() if one.id == "near_duplicate")
    found = {(link.one, link.other) for link in corpus_links(pairs, [check])}
    right = sum(alike(pairs[one], pairs[other]) >= 0.75 for one, other in found)
    return [
        Bar(f"near duplicates among {size:,} pairs, recall", met(copies, found), len(copies), least=0.95),
        Bar(f"near duplicates among {size:,} pairs, precision", right, len(found), least=0.95),
    ]


def met(copies: dict[int, int], found: set[tuple[int, int]]) -> int:
    return sum((index, copy) in found for copy, index in copies.items())


FILLERS = ("please", "hello", "now", "so", "thanks", "hi", "ok")
SMALL = {"the", "a", "my", "is", "to", "i", "of", "for", "do", "it", "can"}


def near_questions() -> list[Bar]:
    """Customers' questions of 4 to 15 words; a letter or a small word slipped, a word added, two words swapped. What
    else is found counts as right only if the publishers of the questions gave both the same intent."""
    intents: dict[str, tuple[str, str]] = {}
    for name in ("train", "test"):
        with shared_data(f"banking77/{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                intents.setdefault(" ".join(words(row["text"])), (row["text"], row["category"]))
    questions = [found for plain, found in intents.items() if 4 <= len(plain.split()) <= 15]
    chance, size = random.Random(11), len(questions)
    copies = {size + number: index for number, index in enumerate(chance.sample(range(size), 600))}
    questions += [(slipped(questions[index][0], chance), questions[index][1]) for index in copies.values()]
    found = set(near_duplicates([question for question, _intent in questions]))
    right = sum(questions[one][1] == questions[other][1] for one, other in found)
    return [
        Bar(f"near duplicates among {size:,} short questions, recall", met(copies, found), len(copies), least=0.95),
        Bar(f"near duplicates among {size:,} short questions, precision", right, len(found), least=0.95),
    ]


def slipped(question: str, chance: random.Random) -> str:
    tokens = question.split()
    small = [place for place, word in enumerate(tokens) if word.lower() in SMALL]
    long = [place for place, word in enumerate(tokens) if len(word) >= 4]
    kind = chance.randrange(4)
    if kind == 0 and long:
        place = chance.choice(long)
        tokens[place] = slip(tokens[place], chance)
    elif kind == 1 and small:
        del tokens[chance.choice(small)]
    elif kind == 2:
        tokens.insert(chance.choice((0, len(tokens))), chance.choice(FILLERS))
    else:
        place = chance.randrange(len(tokens) - 1)
        tokens[place], tokens[place + 1] = tokens[place + 1], tokens[place]
    return " ".join(tokens)


def perturbed(pair: PairTexts, chance: random.Random) -> PairTexts:
    tokens = pair.response.split() or pair.question.split()
    for _ in range(max(1, len(tokens) // 20)):
        place = chance.randrange(len(tokens))
        tokens[place : place + 1] = chance.choice([[], ["something"], [tokens[place], "really"]])
        tokens = tokens or ["something"]
    return PairTexts(pair.question, " ".join(tokens))


def alike(one: PairTexts, other: PairTexts) -> float:
    texts = [f"{pair.question} {pair.response}".split() for pair in (one, other)]
    return difflib.SequenceMatcher(None, *texts, autojunk=False).ratio()
