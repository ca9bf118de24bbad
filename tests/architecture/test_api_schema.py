"""The API against its own description: whatever fits the schema, and much that does not, never breaks the server."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from rest_framework.test import APIClient
from schemathesis.core import NotSet

from tests.architecture.estate import Estate, build_estate
from tests.architecture.test_matrix import settle_people
from tests.world import api_client

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
GENTLE = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def estate(django_db_setup: None, django_db_blocker: Any) -> Iterator[Estate]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_estate(settle_people())
        transaction.set_rollback(True)


def test_the_schema_names_every_endpoint_and_none_breaks(estate: Estate) -> None:
    client = api_client(estate.people["owner"])
    raw = json.loads(client.get("/api/schema/?format=json").content)
    seen, broken = 0, []
    for result in schemathesis.openapi.from_dict(raw).get_all_operations():
        seen += 1
        broken += try_operation(client, result.ok(), estate)
    assert broken == [], "\n".join(broken)
    assert seen >= 60


def test_no_parameter_of_a_list_breaks_by_what_no_text_may_hold(estate: Estate) -> None:
    """As an admin, whose projects are looked up in the database by the text that was sent."""
    client = api_client(estate.people["admin"])
    client.raise_request_exception = False
    paths = json.loads(client.get("/api/schema/?format=json").content)["paths"]
    asked = [
        (path, parameter["name"])
        for path, operations in paths.items()
        if "{" not in path and "get" in operations
        for parameter in operations["get"].get("parameters", [])
    ]
    assert len(asked) >= 60
    broken = [(path, name) for path, name in asked if asked_badly(client, path, name) >= 500]
    assert broken == []


def asked_badly(client: APIClient, path: str, name: str) -> int:
    with transaction.atomic():
        status = client.get(f"{path}?{name}=a%00b").status_code
        transaction.set_rollback(True)
    return int(status)


def places(path: str, estate: Estate) -> dict[str, Any]:
    """What the path's parameters stand for, so that the rows behind them are really there."""
    own = {"task": "task_id", "version": "model_version" if "model-versions" in path else "version"}
    names = re.findall(r"{(\w+)}", path)
    return {name: estate.values[own.get(name, name)] for name in names if own.get(name, name) in estate.values}


def try_operation(client: APIClient, operation: Any, estate: Estate) -> list[str]:
    """Ask one operation with generated input; each answer's effects are rolled back. Returns what broke."""
    found: list[str] = []

    @GENTLE
    @given(operation.as_strategy(path_parameters=places(operation.path, estate)))
    def ask(case: Any) -> None:
        with transaction.atomic():
            status = send(client, case)
            transaction.set_rollback(True)
        if status >= 500 and status != 503:
            found.append(f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {status}")

    ask()
    return found[:1]


def send(client: APIClient, case: Any) -> int:
    client.raise_request_exception = False
    query = f"?{urlencode(case.query, doseq=True)}" if case.query else ""
    body = "" if isinstance(case.body, NotSet) else json.dumps(case.body, default=str)
    answer = client.generic(case.method, f"{case.formatted_path}{query}", body, content_type="application/json")
    if answer.streaming:
        b"".join(answer.streaming_content)
    return int(answer.status_code)
