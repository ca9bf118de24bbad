"""Taking texts out of files that somebody else may be reading: a new file, then the name.

What is looked for are whole texts that are about to be erased, and words that an owner names. Words are not kept; what
they led to is, as digests, so that a restored backup loses the same lines without anybody knowing the words.
"""

import json
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.crypto import salted_hmac

SHORTEST = 12  # characters: a shorter text ("Yes.") stands in lines that have nothing to do with it
WORD = re.compile(r"\w+")


class Needles:
    """Many texts looked for at once: one is compared only where the longest word inside it stands.

    `words` count in any case of letters. Of `whole`, each counts only where no letter stands before and after it.
    `digests` are of what an earlier look found by its words or by a whole text; `found` collects them for a later one.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        *,
        words: str = "",
        whole: Iterable[str] = (),
        digests: Collection[str] = (),
        shortest: int = SHORTEST,
    ) -> None:
        self.by_word: dict[str, list[str]] = {}
        self.plain: list[str] = []
        for text in {text.strip() for text in texts}:
            if len(text) >= shortest:
                inner = WORD.findall(text)[1:-1]  # the first and the last may be parts of longer words
                if inner:
                    self.by_word.setdefault(max(inner, key=len), []).append(text)
                else:
                    self.plain.append(text)
        self.whole: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        self.unbroken: list[str] = []
        for text in {text.strip() for text in whole}:
            if any(unicodedata.category(letter) == "Lo" for letter in text):  # a script that may have no blanks
                self.unbroken.append(text)
            else:
                self.whole.setdefault(max(WORD.findall(text), key=len), []).append((text, bounded(text)))
        self.words = words.strip().casefold()
        self.digests = frozenset(digests)
        self.found: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.by_word or self.plain or self.whole or self.unbroken or self.words or self.digests)

    def named_only(self) -> "Needles":
        """The words without the texts; what it finds is found for both."""
        other = Needles(words=self.words, digests=self.digests)
        other.found = self.found
        return other

    def in_text(self, text: str) -> bool:
        if self.words and self.words in text.casefold():
            self.found.add(digest(text))
            return True
        if self.digests and digest(text) in self.digests:
            return True
        if any(one in text for one in self.plain):
            return True
        if self.whole_in(text):
            self.found.add(digest(text))
            return True
        shared = self.by_word.keys() & set(WORD.findall(text)) if self.by_word else ()
        return any(one in text for word in shared for one in self.by_word[word])

    def whole_in(self, text: str) -> set[str]:
        """Those of `whole` that stand in the text."""
        found = {one for one in self.unbroken if one in text}
        shared = self.whole.keys() & set(WORD.findall(text)) if self.whole else ()
        return found | {one for word in shared for one, pattern in self.whole[word] if pattern.search(text)}

    def hold(self, value: Any) -> bool:
        """Whether one of them stands in some string of a JSON value."""
        held = False
        for text in strings(value):
            held = self.in_text(text) or held  # looked at even when one was found: each that is found is kept
        return held

    def without(self, value: Any) -> Any:
        """The value with every string that holds one of them made empty."""
        if isinstance(value, str):
            return "" if self.in_text(value) else value
        if isinstance(value, dict):
            return {key: self.without(each) for key, each in value.items() if not self.in_text(key)}
        return [self.without(each) for each in value] if isinstance(value, list) else value


def bounded(text: str) -> re.Pattern[str]:
    """The text where it does not begin or end within a word."""
    before = r"(?<!\w)" if text[0].isalnum() else ""
    after = r"(?!\w)" if text[-1].isalnum() else ""
    return re.compile(f"{before}{re.escape(text)}{after}")


def digest(text: str) -> str:
    """Of what is erased, under this installation's secret: whoever has only the digest can try no guesses on it."""
    return salted_hmac("erased", text.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def lines_change(path: Path, change: Callable[[bytes], bytes | None]) -> int:
    """Give each line to `change`, which returns what stands there instead, or None to keep it. Returns how many went.

    The file keeps its name all the time, and is written only when something changes.
    """
    if not path.is_file():
        return 0
    part = path.with_name(f".{path.name}.erasing")
    changed = 0
    with path.open("rb") as source, part.open("wb") as file:
        for line in source:
            new = change(line)
            changed += new is not None
            file.write(line if new is None else new)
        file.flush()
        os.fsync(file.fileno())
    if changed:
        part.replace(path)
    else:
        part.unlink()
    return changed


def lines_drop(path: Path, gone: Callable[[Any], bool]) -> int:
    """Leave out every line whose value is `gone`; one that is no JSON is a string."""
    return lines_change(path, lambda line: b"" if gone(parsed(line)) else None)


def json_empty(path: Path, needles: Needles) -> int:
    """Make the strings of a JSON file empty that hold a text; 1 if there were any."""
    if not path.is_file():
        return 0
    value = json.loads(path.read_text(encoding="utf-8"))
    if not needles.hold(value):
        return 0
    part = path.with_name(f".{path.name}.erasing")
    part.write_text(json.dumps(needles.without(value), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)
    return 1


def told_erase(path: Path, needles: Needles) -> int:
    """A file that tells what was done: lines of JSON or of a log lose those with a text, a JSON file its strings."""
    if path.suffix in (".jsonl", ".log", ".md"):
        return lines_drop(path, needles.hold)
    return json_empty(path, needles) if path.suffix == ".json" or path.name == "DONE" else 0


def parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode("utf-8", "replace")
