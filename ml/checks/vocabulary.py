"""The words that one text may use: those of its language's dictionary, the glossary, the prompt and the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ml.checks.base import CheckContext, base_language
from ml.checks.dictionaries import WORD, plain
from ml.checks.english import is_english
from ml.checks.project_words import ProjectWords
from ml.checks.resemblance import dictionary

# Only words wholly in the dictionary's script are judged: Chinese in an English answer is no misspelling.
_LATIN = re.compile("['a-z\u00df-\u024f\u1e00-\u1eff\u0300-\u036f]*$")
_SCRIPTS = {"ar": re.compile("[\u0600-\u06ff]*$")}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that one text may use."""

    language: str
    dictionary: frozenset[str]
    glossary: frozenset[str]
    prompt: frozenset[str]
    learned: frozenset[str]

    def lists(self, word: str) -> bool:
        """Whether some list has the word."""
        return word in self.dictionary or word in self.glossary or word in self.prompt or word in self.learned

    def accepts(self, word: str) -> bool:
        """Whether the word is listed, a plural of the project's words, in another script, or English all the same."""
        singular = word.removesuffix("s")
        if self.lists(word) or singular in self.glossary or singular in self.prompt or singular in self.learned:
            return True
        if not _SCRIPTS.get(self.language, _LATIN).match(word):
            return True
        return self.language == "en" and is_english(word, self.dictionary)


def vocabulary_of(context: CheckContext, accepted_texts: int) -> Vocabulary:
    language = base_language(context.language)
    learned = _learned(context.project_words, accepted_texts) if context.project_words else frozenset()
    glossary, prompt = glossary_words(context.glossary), word_set(context.prompt)
    return Vocabulary(language, dictionary(language), glossary, prompt, learned)


@lru_cache(maxsize=16)
def _learned(project: ProjectWords, accepted_texts: int) -> frozenset[str]:
    return project.common(accepted_texts)


@lru_cache(maxsize=64)
def glossary_words(glossary: frozenset[str]) -> frozenset[str]:
    """The words of all entries: an entry may be a phrase."""
    return word_set("\n".join(glossary))


@lru_cache(maxsize=256)
def word_set(text: str) -> frozenset[str]:
    """All words of a text in lower case, and the parts of those with an apostrophe."""
    found = [plain(word) for word in WORD.findall(text)]
    return frozenset([*found, *(part for word in found if "'" in word for part in word.split("'"))])
