"""What the English dictionary lacks: British spellings, words younger than it, and words made with a prefix.

The dictionary was counted from film subtitles, so its English is American and older than much office talk.
"""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

# British -> American, each bound to the letters around it so that misspellings are not let through with it.
_BRITISH = (
    (re.compile(r"our(?=$|s$|ed|ing|ite|ably|able|hood|ful|less|y$|er|ly|al|'s$)"), "or"),
    (re.compile(r"is(?=e$|es$|ed$|er$|ers$|ing$|ation|able$)"), "iz"),
    (re.compile(r"ys(?=e$|es$|ed$|er$|ers$|ing$)"), "yz"),
    (re.compile(r"(?<=[bctgv])re(?=$|s$|d$)"), "er"),
    (re.compile(r"(?<=[aeiou])ll(?=ed$|ing$|er$|ers$|or$|ors$|ation)"), "l"),
    (re.compile(r"ogue(?=$|s$|d$)"), "og"),
    (re.compile(r"(?<=ef|ff|ic|et)ence(?=$|s$|less)"), "ense"),
    (re.compile(r"(?<=[hpn])ae(?=[mdst])"), "e"),
    (re.compile(r"(?<=[rhom])oe(?=[adsu])"), "e"),
    (re.compile(r"mme(?=$|s$)"), "m"),
    (re.compile(r"mou(?=ld|lt)"), "mo"),
    (re.compile(r"^scept"), "skept"),
)
_PREFIXES = re.compile(r"^(?:un|re|over|under|pre|anti|auto|non|sub|inter|multi|micro|mis|co)(?=.{5})")

_MISSING = frozenset(Path(__file__).with_name("english_words.txt").read_text(encoding="utf-8").split())


def is_english(word: str, dictionary: Container[str]) -> bool:
    """Whether a lower-case word that the dictionary lacks is English all the same.

    Words with letters beyond a to z (façade, Swedish terms) count as known: no English misspelling has them.
    """
    if not word.isascii() or word in _MISSING:
        return True
    stem = word.removesuffix("'s")
    if _american(stem) in dictionary or stem in _MISSING or stem.removesuffix("s") in _MISSING:
        return True
    rest = _PREFIXES.sub("", stem)
    return rest != stem and (rest in dictionary or _american(rest) in dictionary)


def _american(word: str) -> str:
    for british, american in _BRITISH:
        word = british.sub(american, word)
    return word
