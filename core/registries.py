"""What a lower app asks of a higher one, without importing it. Apps fill these in `AppConfig.ready`.

Each registry is a plain list or dict of small typed callables; nothing here knows what is in them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from core.access import Access
from core.denied import Denied
from core.models import Event, Job, Project, User
from core.scrubbing import Needles


@dataclass(frozen=True)
class NavEntry:
    """A station in the project's navigation. `active` names the url namespaces or url names that light it up; what is
    no station of the loop but about the project itself stands `apart`, at the end of the bar."""

    order: int
    label: Any
    url_name: str
    active: tuple[str, ...]
    need: str = "view"
    apart: bool = False


@dataclass(frozen=True)
class NextAction:
    """What a person could best do now. The lowest `rank` is shown first."""

    rank: int
    text: Any
    url: str
    button: Any
    detail: Any = ""


@dataclass(frozen=True)
class Station:
    """A stop of the loop on the home page with this project's number on it. `going`: something is on its way there."""

    order: int
    key: str
    label: Any
    value: int
    url: str
    detail: Any = ""
    done: bool = False
    going: bool = False


@dataclass(frozen=True)
class LineageEntry:
    """One step of a walk from an object towards what came from it (`down`) or what it came from (`up`)."""

    direction: str
    kind: Any
    label: str
    url: str


@dataclass(frozen=True)
class Panel:
    """A part of a lower app's page that a higher app draws."""

    order: int
    template: str
    context: dict[str, Any]


@dataclass(frozen=True)
class Erased:
    """Texts that are about to be erased: whoever keeps a copy of them takes it away and says how many.

    `revisions`, `pairs` and `corpora` are ids; `texts` the texts themselves, while they are still known, and words that
    an owner named; `person` is set when all that this person wrote in the project is to go.
    """

    project: Project
    revisions: frozenset[int]
    pairs: frozenset[int]
    texts: Needles
    corpora: frozenset[int] = frozenset()
    person: User | None = None


@dataclass(frozen=True)
class TextPlace:
    """Rows of a project in whose `fields` words may stand that an owner wants erased.

    `rows` are those of a project. One in which they stand gets the values of `blank`; without any it is deleted.
    """

    rows: Callable[[Project], QuerySet[Any]]
    fields: tuple[str, ...]
    blank: dict[str, Any] | None = None


@dataclass(frozen=True)
class AskableModel:
    """A registered model that can be asked in a project. `ref` and `template` are as ml.store and ml.prompting read
    them; a model without a template of its own (None) is asked in its task's."""

    key: str
    name: str
    release: int | None
    fingerprint: str
    ref: dict[str, Any]
    template: dict[str, Any] | None


@dataclass(frozen=True)
class PreferredAnswer:
    """Two models' answers to the question of a revision, of which people found one better. `model` gave the worse."""

    revision: int
    better: str
    worse: str
    model: str


@dataclass(frozen=True)
class TakenBack:
    """What taking an action back left: the page on which it can be done differently, what is held again, the pair."""

    url: str
    assignment: int | None = None
    pair: int | None = None


@dataclass(frozen=True)
class Undoable:
    """An action, by its name in the audit log, that its actor may take back as long as nobody has built on it.

    `need` is what the role must still allow, `undo` takes it back or raises ApplicationError, `about` says of events
    (by id) what each was about: a text and its page. Events that it leaves out can be taken back no more.
    """

    label: Any
    need: Callable[[Event], str]
    undo: Callable[[User, Project, Event], TakenBack]
    about: Callable[[Project, list[Event]], dict[int, tuple[str, str]]]


navigation: list[NavEntry] = []
next_actions: list[Callable[[Access], list[NextAction]]] = []
stations: list[Callable[[Project], list[Station]]] = []
lineage: dict[str, list[Callable[[Any], list[LineageEntry]]]] = {}  # object type -> callables
panels: dict[str, list[Callable[[Any, User], list[Panel]]]] = {}  # place -> callables(object, user)
guards: dict[str, list[Callable[[Any], list[Denied]]]] = {}  # "freeze" | "launch" | "release" -> callables
project_changed: list[Callable[[Project, frozenset[str]], None]] = []  # (project, names of changed settings)
first_start: list[Callable[[], None]] = []  # run once after the first migration
job_ended: list[Callable[[Job], None]] = []  # called in the transaction that ends a job
chores: list[Callable[[], None]] = []  # run by the scheduler every few seconds; cheap when nothing is due
shots: list[Callable[[], list[tuple[str, str, str]]]] = []  # (name, path, role) of main pages for `make shots`
erasers: list[Callable[[Erased], dict[str, int]]] = []  # take copies away, inside a transaction; counts by name
text_places: list[TextPlace] = []  # where people's words may stand beside the pairs
seen_by: list[Callable[[frozenset[int], frozenset[int]], list[LineageEntry]]] = []  # (revisions, corpora) -> models
after_restore: list[Callable[[Callable[[str], None]], None]] = []  # what a restored backup must be told
askable_models: list[Callable[[Project], list[AskableModel]]] = []  # newest release first
preferred_answers: list[Callable[[int], Iterable[PreferredAnswer]]] = []  # task -> what people chose on develop items
undoable: dict[str, Undoable] = {}
subject_urls: dict[str, Callable[[str, int], str]] = {}  # type of a thread's subject -> its page, by slug and id
work_urls: dict[str, Callable[[Project], str]] = {}  # work kind -> page where it is done


def lineage_of(object_type: str, subject: Any) -> list[LineageEntry]:
    return [entry for find in lineage.get(object_type, []) for entry in find(subject)]


def panels_for(place: str, subject: Any, user: User) -> list[Panel]:
    found = [panel for draw in panels.get(place, []) for panel in draw(subject, user)]
    return sorted(found, key=lambda panel: panel.order)


def models_to_ask(project: Project) -> list[AskableModel]:
    return [model for find in askable_models for model in find(project)]


def answers_preferred(task: int) -> Iterable[PreferredAnswer]:
    return (answer for find in preferred_answers for answer in find(task))


def refusals(gate: str, subject: Any) -> list[Denied]:
    return [denied for ask in guards.get(gate, []) for denied in ask(subject)]
