"""The small words of the templates, and the page parts made of them."""

from types import SimpleNamespace

import pytest
from django import forms
from django.template import engines
from django.test import RequestFactory

from core.templatetags import parts

NB = "\u00a0"


def draw(source: str, **context: object) -> str:
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=False)  # type: ignore[assignment]
    return engines["django"].from_string(source).render(context, request)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("ada@example.org", "A"), ("Katherine G. Johnson", "KJ"), ("", "?"), ("李 小龙", "李小")],
)
def test_initials_are_the_ends_of_a_name(name: str, letters: str) -> None:
    assert parts.initials(name) == letters


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (7.6, "8 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (356400, "4 d 03 h"), (-3, "0 s")],
)
def test_durations_keep_their_two_largest_units(seconds: float | None, words: str) -> None:
    assert parts.duration(seconds) == words.replace(" ", NB)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (3, "10 s"), (94, "90 s"), (96, "2 min"), (185, "3 min"), (4000, "1 h 10 min")],
)
def test_an_estimate_is_told_no_more_exactly_than_it_is_known(seconds: float | None, words: str) -> None:
    assert parts.about(seconds) == words.replace(" ", NB)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (950, "950"),
        (9999, "9,999"),
        (12_345, f"12.3{NB}k"),
        (503_000, f"503{NB}k"),
        (1_240_000, f"1.2{NB}M"),
        (None, ""),
    ],
)
def test_counts_become_short(number: int | None, words: str) -> None:
    assert parts.compact(number) == words


def test_percent_of_nothing_is_nothing() -> None:
    assert parts.percent(0.423) == f"42{NB}%"
    assert parts.percent(0) == f"0{NB}%"
    assert parts.percent(0.0004) == f"<{NB}1{NB}%"
    assert parts.percent(0.0004, 1) == f"<{NB}0.1{NB}%"
    assert parts.percent(0.998) == f">{NB}99{NB}%"
    assert parts.percent(0.9999, 1) == f">{NB}99.9{NB}%"
    assert parts.percent(1) == f"100{NB}%"
    assert parts.percent(None) == ""


def finding(start: int, end: int) -> SimpleNamespace:
    return SimpleNamespace(start=start, end=end, severity="warning", message="odd <word>")


def test_a_text_is_cut_at_its_findings_and_loses_nothing() -> None:
    text = "one 😀 two three"
    inner, outer, empty, last = finding(6, 7), finding(4, 9), finding(2, 2), finding(10, 99)
    pieces = parts.found_parts(text, [inner, last, outer, empty])
    assert [piece for piece, _ in pieces] == ["one ", "😀 two", " ", "three"]
    assert [found for _, found in pieces] == [None, outer, None, last]


def test_findings_and_texts_are_data_in_the_page() -> None:
    page = draw(
        '{% include "components/found_text.html" with text=text findings=findings only %}',
        text="<b>x</b>",
        findings=[finding(0, 3)],
    )
    assert "&lt;b&gt;" in page
    assert "odd &lt;word&gt;" in page
    assert "<b>" not in page


def test_a_difference_can_be_heard_as_well_as_seen() -> None:
    page = draw(
        '{% include "components/diff.html" with parts=parts only %}', parts=[("delete", "old"), ("insert", "new")]
    )
    assert "removed:" in page
    assert "added:" in page
    assert page.index("<del>") < page.index("old") < page.index("<ins>") < page.index("new")


class Sample(forms.Form):
    rate = forms.FloatField(help_text="Higher learns faster.")
    solo = forms.BooleanField(required=False)


def test_a_field_ties_label_help_unit_and_error_together() -> None:
    form = Sample({"rate": "fast"})
    form.fields["rate"].unit = "1/step"  # type: ignore[attr-defined]
    page = draw('{% include "components/field.html" with field=form.rate only %}', form=form)
    assert 'for="id_rate"' in page
    assert 'aria-describedby="id_rate_helptext id_rate_error"' in page
    assert 'id="id_rate_helptext"' in page
    assert 'id="id_rate_error"' in page
    assert "Enter a number." in page
    assert '<span class="unit">1/step</span>' in page
    assert 'aria-invalid="true"' in page


def test_a_part_included_with_only_still_carries_the_csrf_token() -> None:
    page = draw('{% include "components/form.html" with form=form submit="Save" only %}', form=Sample())
    assert 'name="csrfmiddlewaretoken" value="' in page


def job(**changes: object) -> SimpleNamespace:
    values = {
        "pk": 4,
        "state": "running",
        "tone": "info",
        "subject": "Import",
        "share": 0.5,
        "message": "",
        "error": "",
    }
    return SimpleNamespace(
        **{**values, "eta_seconds": None, "is_open": True, "get_state_display": "Running", **changes}
    )


def test_a_job_panel_renews_itself_only_while_the_job_is_open() -> None:
    source = '{% include "components/job_panel.html" with job=job url="/jobs/4/panel/" stop_url="/stop/" only %}'
    running = draw(source, job=job())
    assert 'hx-get="/jobs/4/panel/" hx-trigger="every 2s"' in running
    assert 'action="/stop/"' in running
    done = draw(source, job=job(state="done", is_open=False))
    assert "hx-get" not in done
    assert "/stop/" not in done


def test_progress_without_a_known_end_has_no_value() -> None:
    unknown = draw('{% include "components/progress.html" with label="Start" share=share only %}', share=None)
    assert "<progress" in unknown
    assert "value=" not in unknown
    known = draw('{% include "components/progress.html" with label="Start" share=share only %}', share=0.25)
    assert 'value="0.25"' in known


def test_the_next_step_is_the_first_that_is_not_done() -> None:
    steps = [{"label": "a", "done": True}, {"label": "b", "done": False}, {"label": "c", "done": False}]
    assert parts.first_open(steps) is steps[1]
    assert parts.first_open(steps[:1]) is None
    page = draw('{% include "components/steps.html" with steps=steps only %}', steps=steps)
    assert page.count('aria-current="step"') == 1


@pytest.mark.parametrize("part", ["percent", "duration", "compact"])
def test_a_number_that_is_not_known_yet_is_shown_as_nothing(part: str) -> None:
    template = engines["django"].from_string("{{ live.rate|" + part + '|default:"–" }}')
    assert template.render({"live": {}}) == "–"
