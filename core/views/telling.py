"""How pages tell that a service refused: on the form, or as a message on the next page."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest

from core.denied import ApplicationError


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of the page asks, which goes on by itself, and not a form."""
    return request.headers.get("Accept", "").startswith("application/json")


def first_error(form: BaseForm) -> str:
    """What is wrong with a form, in one sentence, for an answer that cannot show the form."""
    return str(next(iter(form.errors.values()))[0])


def error_tell(form: BaseForm, error: ApplicationError) -> None:
    """What a service refused becomes errors of the form: of the fields that it names, where they are shown."""
    for field, sentence in {error.field: str(error), **error.also}.items():
        form.add_error(field if field in form.fields else None, sentence)


@contextmanager
def refusal_on(form: BaseForm) -> Iterator[None]:
    """A refusal inside the block becomes an error of the form: of its field where it names one that is shown."""
    try:
        yield
    except ApplicationError as error:
        error_tell(form, error)
    except ValidationError as error:
        found = error.message_dict if hasattr(error, "error_dict") else {"password": error.messages}
        for field, sentences in found.items():
            for sentence in sentences:
                form.add_error(field if field in form.fields else None, sentence)


@contextmanager
def refusal_told(request: HttpRequest, success: object = "") -> Iterator[None]:
    """A refusal inside the block becomes a message; without one, `success` does."""
    try:
        yield
    except ApplicationError as error:
        messages.error(request, str(error))
    else:
        if success:
            messages.success(request, str(success))
