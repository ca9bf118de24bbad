"""The health page: what the job counted, in words, with the way to the rows behind each number. Three queries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.charts import Chart, ChartError, Series, line_chart, scatter_chart
from core.models import Job
from curation.choices import Origin
from curation.models import Task, TaskReport
from curation.selectors.tasks import TaskRow, task_row
from ml.checks import known_checks
from ml.checks.language import language_name
from ml.mentions import region_names

PACE_WEEKS = 4
FEWEST_FOR_A_DATE = 8  # approvals in these weeks
LEVELS = 4
HOLE = 0.05  # a region or gender that fewer of the texts name can be asked for


@dataclass(frozen=True)
class Row:
    """A number with its name and the list of the pairs behind it ("" where no list can show them)."""

    label: str
    count: int
    share: float
    url: str = ""
    about: str = ""  # what a question is asked about where there is too little of it

    @property
    def is_hole(self) -> bool:
        return bool(self.about) and self.share < HOLE


@dataclass(frozen=True)
class Cell:
    """Pairs of a topic and a length. `level` 0 to 4 shades it; a hole is where others have many."""

    count: int
    level: int
    url: str
    shortest: int
    longest: int | None
    is_hole: bool


@dataclass(frozen=True)
class TopicRow:
    topic: str
    count: int
    url: str
    cells: list[Cell]
    is_thin: bool  # fewer than half as many as topics have on average


@dataclass(frozen=True)
class Health:
    report: TaskReport
    row: TaskRow
    findings: list[Row]
    topics: list[TopicRow]
    columns: list[str]
    origins: list[Row]
    languages: list[Row]
    genders: list[Row]
    regions: list[Row]
    names: list[Row]
    real: Row
    alike: Row
    projection: str
    pace: Chart | None
    map: Chart | None
    clusters: list[dict[str, Any]]
    unchecked_url: str
    unmeasured_url: str


def report_of(task: Task) -> TaskReport | None:
    return TaskReport.objects.filter(task=task).defer("rows").first()


def stock_job(task: Task) -> Job | None:
    """The job that counts now, if one does."""
    keys = [f"{name}-{task.pk}" for name in ("stock", "embed")]
    return Job.objects.filter(once_key__in=keys, state__in=("queued", "running")).order_by("-pk").first()


def health_of(task: Task, report: TaskReport) -> Health:
    data = report.data
    link = Links(task)
    pairs = max(1, data["pairs"])
    names = {check.id: _(check.name) for check in known_checks()}
    found = sorted(data["findings"].items(), key=lambda item: -item[1])
    return Health(
        report=report,
        row=task_row(task),
        findings=[Row(names.get(name, name), n, n / pairs, link(finding=name)) for name, n in found],
        topics=topic_rows(data, link),
        columns=[length_words(low, high) for low, high in spans(data["bounds"])],
        origins=[Row(str(Origin(name).label), n, n / pairs, link(origin=name)) for name, n in data["origins"].items()],
        languages=[
            Row(_(language_name(name)), n, n / pairs, link(language=name)) for name, n in data["languages"].items()
        ],
        genders=gender_rows(data, link),
        regions=region_rows(data, link),
        names=[Row(name, n, n / max(1, data["read"]), link(counted=f"name:{name}")) for name, n in data["names"]],
        real=real_row(data["origins"], pairs, link),
        alike=Row(_("Near duplicates"), data["alike"], data["alike"] / pairs, link(counted="alike")),
        projection=projection_of(data["weeks"], data["pairs"], task.target_pairs, report.counted_at),
        pace=pace_chart(data["weeks"], link),
        map=map_chart(data["map"], task, link),
        clusters=[
            {**one, "name": group_name(number, one), "url": link(counted=f"group:{number}")}
            for number, one in enumerate((data["map"] or {}).get("clusters", []))
            if one["size"]
        ],
        unchecked_url=link(finding="unchecked"),
        unmeasured_url=link(counted="unmeasured"),
    )


class Links:
    """The list of a task's approved pairs, narrowed."""

    def __init__(self, task: Task) -> None:
        self.root = reverse("curation:pairs", args=[task.project.slug])
        self.asked = {"task": task.slug, "state": "approved"}

    def __call__(self, **more: Any) -> str:
        asked = {name: value for name, value in {**self.asked, **more}.items() if value not in (None, "")}
        return f"{self.root}?{urlencode(asked)}"


def spans(bounds: list[int]) -> list[tuple[int, int | None]]:
    """Each column's shortest length and the next column's, None for the last."""
    return list(zip(bounds, [*bounds[1:], None], strict=True))


def length_words(low: int, high: int | None) -> str:
    return _("%(low)d and more") % {"low": low} if high is None else f"{low}–{high - 1}"


def topic_rows(data: dict[str, Any], link: Links) -> list[TopicRow]:
    rows: list[tuple[str, list[int]]] = [(topic, counts) for topic, counts in data["coverage"]]
    if not rows:
        return []
    most = max(max(counts) for _topic, counts in rows) or 1
    columns = [sum(column) for column in zip(*(counts for _topic, counts in rows), strict=True)]
    usual = [count >= 0.1 * sum(columns) for count in columns]  # lengths that the task has at all
    average = sum(columns) / len(rows)
    found = []
    for topic, counts in rows:
        cells = [
            Cell(
                count,
                -(-LEVELS * count // most),
                link(topic=topic, shortest=low or None, longest=high - 1 if high else None),
                low,
                high - 1 if high else None,
                is_hole=not count and common and bool(topic),
            )
            for count, common, (low, high) in zip(counts, usual, spans(data["bounds"]), strict=True)
        ]
        total = sum(counts)
        found.append(TopicRow(topic, total, link(topic=topic), cells, bool(topic) and total < average / 2))
    return found


def region_rows(data: dict[str, Any], link: "Links") -> list[Row]:
    """Every region that is known, those that no text names too."""
    counts = {**dict.fromkeys(region_names(), 0), **dict(data["regions"])}
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    read = max(1, data["read"])
    return [Row(_(name), n, n / read, link(counted=f"region:{name}"), _(name)) for name, n in ordered]


def real_row(origins: dict[str, int], pairs: int, link: "Links") -> Row:
    count = sum(n for name, n in origins.items() if name in Origin.real())
    return Row(_("From people or documents"), count, count / pairs, link(origin="real"))


def gender_rows(data: dict[str, Any], link: "Links") -> list[Row]:
    labels = {
        "feminine": _("Women only"), "masculine": _("Men only"), "both": _("Women and men"), "none": _("Nobody"),
    }  # fmt: skip
    read, both = max(1, data["read"]), data["genders"].get("both", 0)
    asked = {"feminine": _("women"), "masculine": _("men")}
    rows = []
    for key, label in labels.items():
        count = data["genders"].get(key, 0)
        about = asked.get(key, "") if (count + both) / read < HOLE else ""
        rows.append(Row(label, count, count / read, link(counted=f"gender:{key}"), about))
    return rows


def projection_of(weeks: list[int], approved: int, target: int, counted_at: datetime) -> str:
    """When the target will be reached at the pace of the last weeks, with how sure that is, in words.

    Approvals are taken as independent of each other: their number in a span has the square root of it as its standard
    deviation (Poisson), two of which cover 95 %.
    """
    left = target - approved
    if left <= 0:
        return _("The target is reached.")
    recent = sum(weeks[-PACE_WEEKS:])
    values: dict[str, Any] = {"left": left, "recent": recent, "weeks": PACE_WEEKS}
    if recent < FEWEST_FOR_A_DATE:
        text = ngettext(
            "%(left)d to go. In the last %(weeks)d weeks people approved %(recent)d pair: too few to tell when the "
            "target will be reached.",
            "%(left)d to go. In the last %(weeks)d weeks people approved %(recent)d pairs: too few to tell when the "
            "target will be reached.",
            recent,
        )
        return text % values
    spread = 2 * recent**0.5
    fast, slow = date_at(counted_at, left, recent + spread), date_at(counted_at, left, recent - spread)
    values |= {"likely": date_at(counted_at, left, recent), "fast": fast, "slow": slow}
    text = _(
        "%(left)d to go. At the pace of the last %(weeks)d weeks (%(recent)d approved) the target is reached about "
        "%(likely)s; nineteen times in twenty such a pace means between %(fast)s and %(slow)s."
    )
    return text % values


def date_at(start: datetime, left: int, in_pace_weeks: float) -> str:
    days = left / in_pace_weeks * PACE_WEEKS * 7
    if days > 3650:
        return _("more than ten years from now")
    return date_format(timezone.localtime(start) + timedelta(days=days), "DATE_FORMAT")


def pace_chart(weeks: list[int], link: "Links") -> Chart | None:
    if not any(weeks):
        return None
    points = [(float(index - len(weeks) + 1), float(count)) for index, count in enumerate(weeks)]
    urls = [link(state="", counted=f"week:{index}") if count else "" for index, count in enumerate(weeks)]
    return line_chart(
        title=_("Approved by people, week by week"), x_label=_("Weeks ago"), y_label=_("Pairs"), from_zero=True,
        series=[Series(_("Approved"), points, urls)],
    )  # fmt: skip


def group_name(number: int, group: dict[str, Any]) -> str:
    """Its telling words; texts of nothing but small words have none."""
    return ", ".join(group["words"]) or _("Group %d") % (number + 1)


def map_chart(found: dict[str, Any] | None, task: Task, link: "Links") -> Chart | None:
    """Each point leads to its pair, each name in the table to the pairs of its group."""
    if not found:
        return None
    groups: dict[int, list[tuple[float, float, str]]] = {}
    root = reverse("curation:pairs", args=[task.project.slug])
    for x, y, cluster, *pair in found["points"]:
        groups.setdefault(cluster, []).append((x, y, f"{root}{pair[0]}/" if pair else ""))
    named = []
    for number, one in enumerate(found["clusters"]):
        points = groups.get(number, [])
        urls = [url for _x, _y, url in points]
        places, url = [(x, y) for x, y, _url in points], link(counted=f"group:{number}")
        named.append(Series(group_name(number, one), places, urls if all(urls) else (), url))
    try:
        return scatter_chart(
            title=_("Map of meanings: pairs that lie near each other say something alike"), groups=named
        )
    except ChartError:
        return None


def health_json(task: Task, report: TaskReport | None) -> dict[str, Any]:
    """For the API: the numbers as they were counted."""
    if report is None:
        return {"task": task.pk, "counted_at": None, "target": task.target_pairs, "projection": "", "numbers": {}}
    projection = projection_of(report.data["weeks"], report.data["pairs"], task.target_pairs, report.counted_at)
    return {
        "task": task.pk,
        "counted_at": report.counted_at,
        "target": task.target_pairs,
        "projection": projection,
        "numbers": {name: value for name, value in report.data.items() if name != "map"},
    }
