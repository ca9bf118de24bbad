"""Columns of many rows as arrays, past the object that each single value costs: there may be a million rows."""

from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

Whole = NDArray[np.int64]


def numbers_read(rows: QuerySet[Any, Any], *names: str) -> list[Whole]:
    """The whole numbers in these columns, an array each, in the order of the rows."""
    sql, params = rows.values_list(*names).query.sql_with_params()
    return numbers_of(sql, params, len(names))


def numbers_of(sql: str, params: Any, columns: int = 1) -> list[Whole]:
    """The same of a query of our own, which gives so many columns of whole numbers."""
    names = [f"c{number}" for number in range(columns)]
    joined = ", ".join(f"string_agg(int8send({name}::bigint), '' ORDER BY place)" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {joined} FROM (SELECT *, row_number() OVER () AS place FROM ({sql}) "  # noqa: S608  our own queries
            f"AS given({', '.join(names)})) AS rows",
            params,
        )
        return [np.frombuffer(column or b"", dtype=">i8").astype(np.int64) for column in cursor.fetchone()]
