"""Many rows at once, past the work that Django does for each single value: a column set, whole rows stored."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import AutoField, Model


def columns_set(model: type[Model], ids: Sequence[int], **columns: Sequence[Any]) -> None:
    """Set each named column of the rows `ids` to the values in the same order.

    What `bulk_update` does, without the expression that it builds for every single value.
    """
    known = {field.name: field for field in model._meta.concrete_fields}
    fields = [known[name] for name in columns]
    names = [connection.ops.quote_name(field.column or field.name) for field in fields]
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    key = model._meta.pk.column
    sets = ", ".join(f"{name} = given.{name}" for name in names)
    query = (
        f"UPDATE {model._meta.db_table} kept SET {sets} "  # noqa: S608  names of the model's own columns
        f"FROM unnest(%s::bigint[], {arrays}) AS given({key}, {', '.join(names)}) WHERE kept.{key} = given.{key}"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [list(ids), *map(list, columns.values())])


def rows_copy(model: type[Model], rows: Iterable[Any]) -> None:
    """Store new rows by COPY, in the transaction under way; ids that the database counts are not told.

    A row is anything with an attribute for each column: instances of the model, or something lighter.

    Unlike `bulk_create`, values go as they are: for models without fields that Django fills in or converts on saving.
    """
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(connection.ops.quote_name(field.column or field.name) for field in fields)
    attributes = [field.attname for field in fields]
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([getattr(row, name) for name in attributes])
