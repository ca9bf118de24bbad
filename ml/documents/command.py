"""`python -m ml extract`: files that anybody may have made are read here, in a process that may be killed.

Standard input names the files, a JSON object {"path", "name"} a line. Standard output answers a JSON object a line:
{"file": n, "document": {…}} for each document, {"file": n, "error": "…", "said": {…}} for a record that gives none
(ml/phrases.py), and {"file": n, "end": true} when file n (counted from 0) is through, so that whoever reads knows
which file killed us.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.documents.reading import read_documents
from ml.documents.shapes import Document, DocumentError
from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import beside, gettext_noop, sentence_of

MEMORY_BYTES = 2 * 1024 * 1024 * 1024
MEMORY = gettext_noop("Reading this file takes more memory than one file may have.")
UNFORESEEN = gettext_noop("The file cannot be read (%(kind)s).")


def extract_command(arguments: list[str]) -> int:
    """Read the files named on standard input."""
    parser = argparse.ArgumentParser(prog="python -m ml extract", description="Texts out of documents; JSON lines.")
    parser.parse_args(arguments)
    with suppress(IsolationError):  # reading opens no connection by itself: the namespace is a second wall
        isolate("none")
    watch_lifeline()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        extract(number, Path(asked["path"]), str(asked["name"]))
    return 0


def extract(number: int, path: Path, name: str) -> None:
    """Read one file and say what it gave, then that it is through, whatever happens on the way."""
    try:
        for found in read_documents(path, name=name):
            if isinstance(found, Document):
                say(file=number, document=asdict(found))
            else:
                tell(number, found)
    except DocumentError as error:
        tell(number, error)
    except MemoryError:
        tell(number, DocumentError(MEMORY))
    except RecursionError:
        tell(number, DocumentError(gettext_noop("The file is nested too deeply.")))
    except (
        Exception
    ) as error:  # a library met something that its authors did not foresee; the next file is read all the same
        tell(number, DocumentError(UNFORESEEN, kind=type(error).__name__))
    say(file=number, end=True)


def tell(number: int, error: DocumentError) -> None:
    sentence = sentence_of(error)
    say(file=number, error=sentence, **beside(sentence))


def say(**values: Any) -> None:
    """One JSON object as a line of standard output, at once."""
    sys.stdout.write(json.dumps(values, ensure_ascii=True) + "\n")
    sys.stdout.flush()


COMMANDS = {"extract": extract_command}
