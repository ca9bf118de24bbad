"""Columns of many rows as arrays, past the object that each single value costs: there may be a million rows.

They come as COPY sends them, a piece at a time, so that neither side holds them twice.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

Whole = NDArray[np.int64]
HEADER, PIECE = 19, 1_000_000  # bytes


def numbers_read(rows: QuerySet[Any, Any], *names: str) -> list[Whole]:
    """The whole numbers in these columns, an array each, in the order of the rows."""
    sql, params = rows.values_list(*names).query.sql_with_params()
    return numbers_of(sql, params, len(names))


def numbers_of(sql: str, params: Any, columns: int = 1) -> list[Whole]:
    """The same of a query of our own, which gives so many columns of whole numbers, none of them null."""
    names = [f"c{number}" for number in range(columns)]
    whole = ", ".join(f"{name}::bigint" for name in names)
    query = f"SELECT {whole} FROM ({sql}) AS given({', '.join(names)})"  # noqa: S608  our own queries
    sent = np.dtype([("columns", ">i2"), *((name, [("size", ">i4"), ("value", ">i8")]) for name in names)])
    parts: list[list[Whole]] = [[np.zeros(0, dtype=np.int64)] for _name in names]
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", params) as copy:
        for rows in arrived(copy, sent):
            for found, name in zip(parts, names, strict=True):
                found.append(rows[name]["value"].astype(np.int64))
    return [np.concatenate(found) for found in parts]


def arrived(copy: Iterable[Any], sent: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The rows of a binary COPY, some thousands at once. It begins with a header and ends with the number -1."""
    waiting, begun = bytearray(), False
    for piece in chain(copy, [None]):
        waiting += piece or b""
        if not begun and len(waiting) >= HEADER:
            del waiting[:HEADER]
            begun = True
        if piece is None or len(waiting) > PIECE:
            rows = np.frombuffer(bytes(waiting), dtype=sent, count=len(waiting) // sent.itemsize)
            del waiting[: rows.nbytes]
            yield rows
