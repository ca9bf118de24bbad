"""What passes by many times and is too much to hold: dataclasses of arrays, one after the other in an open file."""

from collections.abc import Iterator
from dataclasses import fields
from typing import IO, Any, Generic, TypeVar

import numpy as np

Arrays = TypeVar("Arrays", bound=Any)


class ArrayFile(Generic[Arrays]):
    def __init__(self, file: IO[bytes], kind: type[Arrays]) -> None:
        self._file, self._kind = file, kind
        self._names = [field.name for field in fields(kind)]
        self._count = 0

    def add(self, arrays: Arrays) -> None:
        for name in self._names:
            np.save(self._file, getattr(arrays, name), allow_pickle=False)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Arrays]:
        self._file.seek(0)
        for _number in range(self._count):
            yield self._kind(*(np.load(self._file, allow_pickle=False) for _name in self._names))
