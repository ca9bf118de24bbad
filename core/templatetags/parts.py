"""Small words of the templates: icons, initials, amounts of time, and texts cut where something was found."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect, Textarea
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.frame import frame_html
from core.selectors.event_words import event_words

register = template.Library()
register.filter(event_words)

AVATAR_TONES = ("accent", "ok", "warn", "info", "bad", "muted")
NOTICE_ICONS = {"ok": "check", "warn": "warn", "bad": "error", "info": "info"}
SEVERITY_TONES = {"error": "bad", "warning": "warn", "info": "info"}
MESSAGE_TONES = {"success": "ok", "warning": "warn", "error": "bad", "info": "info", "debug": "muted"}
STATION_ICONS = {
    "tasks": "task", "pair": "pairs", "reviewed": "review", "reviews": "review", "version": "versions",
    "dataset": "versions", "dataset_version": "versions", "dataset_versions": "versions", "run": "training",
    "runs": "training", "model": "models", "model_version": "models", "model_versions": "models",
    "outputs": "chat", "output": "chat", "evaluations": "chat", "grades": "star", "grade": "star", "errors": "loop",
    "lab": "spark", "work": "inbox",
}  # fmt: skip
NO_BREAK = "\u00a0"


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """One picture of static/img/icons.svg in the colour of the text; hidden from screen readers without a label.

    Kept, with the address of the file: a page shows dozens, and nothing of it changes while the server runs.
    """
    address = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


@register.simple_tag(takes_context=True)
def frame(context: template.Context) -> SafeString:
    """The bar and the stations around a page."""
    theme, unread = context.get("theme") or "auto", context.get("unread") or 0
    return frame_html(context.get("request"), theme, context.get("project"), unread)


@register.simple_tag
def navigation_link(item: dict[str, Any]) -> SafeString:
    """One entry of the navigation ({label, url, active}); each page draws two dozen, too many for a template each."""
    current = SafeString(' aria-current="page"') if item["active"] else ""
    return format_html('<a href="{}"{}>{}</a>', item["url"], current, item["label"])


@register.simple_tag(takes_context=True)
def csrf_field(context: template.Context) -> SafeString:
    """{% csrf_token %} for parts that are included with `only`: what context processors give does not reach those."""
    request = getattr(context, "request", None)
    if request is None:
        return format_html("")
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))


@register.simple_tag
def hidden_field(field: BoundField) -> SafeString:
    """What {{ field }} writes for a hidden input, without the three templates in which Django does it."""
    value = "" if field.value() is None else str(field.value())
    return format_html('<input type="hidden" name="{}" value="{}" id="{}">', field.html_name, value, field.id_for_label)


@register.filter
def tone_icon(tone: str) -> str:
    return NOTICE_ICONS.get(tone, "info")


@register.filter
def station_icon(key: str) -> str:
    return STATION_ICONS.get(key, key)


@register.filter
def message_tone(level_tag: str) -> str:
    return MESSAGE_TONES.get(level_tag, "info")


@register.filter
def severity_tone(severity: str) -> str:
    return SEVERITY_TONES.get(severity, "info")


@register.filter
def initials(name: object) -> str:
    """The first letters of the first and the last word: "Ada Lovelace" gives AL, "ada@example.org" gives A."""
    words = str(name).split("@")[0].split()
    picked = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper() or "?"


@register.filter
def avatar_tone(name: object) -> str:
    """A tone that stays the same for the same name."""
    return AVATAR_TONES[hashlib.sha256(str(name).encode()).digest()[0] % len(AVATAR_TONES)]


@register.filter
def percent(share: float | str | None, digits: int = 0) -> str:
    """0.423 gives "42 %", 0.001 "< 1 %", for little is not nothing, 0.999 "> 99 %", for much is not all; None gives an
    empty string."""
    if share is None or isinstance(share, str):
        return ""
    rounded, least = round(share * 100, digits), 10**-digits
    sign, shown = "", rounded
    if share > 0 and rounded == 0:
        sign, shown = f"<{NO_BREAK}", least
    elif share < 1 and rounded == 100:
        sign, shown = f">{NO_BREAK}", 100 - least
    return f"{sign}{number_format(shown, digits)}{NO_BREAK}%"


@register.filter
def duration(seconds: float | str | None) -> str:
    """An amount of time in its two largest units: "8 s", "3 min 05 s", "2 h 10 min", "4 d 03 h"."""
    if seconds is None or isinstance(seconds, str):
        return ""
    total = max(0, round(seconds))
    minutes, rest = divmod(total, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        text = _("%(days)d d %(hours)02d h") % {"days": days, "hours": hours_left}
    elif hours:
        text = _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes_left}
    elif minutes:
        text = _("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": rest}
    else:
        text = _("%(seconds)d s") % {"seconds": rest}
    return text.replace(" ", NO_BREAK)


@register.filter
def about(seconds: float | str | None) -> str:
    """An amount of time, no more exact than an estimate is: "40 s", "3 min", "2 h 10 min"."""
    if seconds is None or isinstance(seconds, str):
        return ""
    if seconds < 95:
        seconds = max(10, round(seconds / 10) * 10)
        return (_("%(seconds)d s") % {"seconds": seconds}).replace(" ", NO_BREAK)
    minutes = round(seconds / 60)
    if minutes < 60:
        return (_("%(minutes)d min") % {"minutes": minutes}).replace(" ", NO_BREAK)
    return duration(round(seconds / 600) * 600)


@register.filter
def compact(number: float | str | None) -> str:
    """A count in at most four characters and its unit: 950, 12.3 k, 1.2 M."""
    if number is None or isinstance(number, str):  # an empty string: a variable that the template does not have
        return ""
    for limit, unit in ((1_000_000, "M"), (10_000, "k")):
        if abs(number) >= limit:
            scaled = number / (1_000 if unit == "k" else 1_000_000)
            return f"{number_format(round(scaled, 1 if scaled < 100 else 0), 1 if scaled < 100 else 0)}{NO_BREAK}{unit}"
    return str(number_format(round(number, 2), 0 if float(number).is_integer() else 2, force_grouping=True))


@register.filter
def control(field: BoundField) -> str:
    """How components/field.html lays a form field out: check, group, file, text or line."""
    widget = field.field.widget
    if isinstance(widget, (RadioSelect, CheckboxSelectMultiple)):
        return "group"
    if isinstance(widget, CheckboxInput):
        return "check"
    if isinstance(widget, FileInput):
        return "file"
    return "text" if isinstance(widget, Textarea) else "line"


@register.simple_tag
def found_parts(text: str, findings: Iterable[Any]) -> list[tuple[str, Any]]:
    """Cut a text at its findings: (piece, finding or None) in order. A finding inside an earlier one is left out."""
    parts: list[tuple[str, Any]] = []
    position = 0
    for finding in sorted(findings, key=lambda item: (item.start, -item.end)):
        if finding.start < position or finding.end <= finding.start:
            continue
        if finding.start > position:
            parts.append((text[position : finding.start], None))
        parts.append((text[finding.start : finding.end], finding))
        position = finding.end
    if position < len(text):
        parts.append((text[position:], None))
    return parts


@register.filter
def unlocalized(number: object) -> str:
    """A number for an attribute: always with a point, never grouped."""
    return str(number)


@register.filter
def times(number: float, factor: float) -> str:
    """A product for an attribute."""
    return f"{number * factor:.6g}"


@register.filter
def first_open(steps: Iterable[Any]) -> Any:
    """The first step that is not done, whether steps are objects or dicts; None when all are."""
    for step in steps:
        done = step.get("done") if isinstance(step, dict) else step.done
        if not done:
            return step
    return None


@register.filter
def or_unit_of(unit: str, field: BoundField) -> str:
    """The unit a template named, else the one that the form gave its field as `field.unit`."""
    return unit or getattr(field.field, "unit", "")
