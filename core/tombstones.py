"""What stands in a row where an erased text's fingerprint stood."""

from typing import Any

from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat

TOMBSTONE = "erased-"  # with the row's number behind it: equal to nothing


def tombstone(name: str = "pk") -> Any:
    return Concat(Value(TOMBSTONE), Cast(F(name), TextField()))
