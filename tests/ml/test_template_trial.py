"""A hostile chat template is refused, in time, and touches nothing."""

from __future__ import annotations

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from ml.prompting import ChatTemplateError, render_chat
from ml.template_trial import SECONDS, try_chat_template
from ml.tiny import CHATML, write_tiny_tokenizer

HOSTILE = {
    "endless loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
    "{% endfor %}{% endfor %}{% endfor %}" + CHATML,
    "a text that fills the memory": "{% set x = 'a' * 30000000000 %}" + CHATML,
    "a text that doubles": "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}"
    "{% endfor %}" + CHATML,
    "attributes of classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}" + CHATML,
    "globals of a function": "{{ raise_exception.__globals__['json'] }}" + CHATML,
    "attributes through a filter": "{{ (''|attr('__class__')).__mro__ }}" + CHATML,
    "format strings": "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}" + CHATML,
    "a file": "{% include '/etc/passwd' %}" + CHATML,
    "changed messages": "{% set _ = messages.append('x') %}" + CHATML,
    "broken syntax": "{% for message in %}",
    "no answer": "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
    "far too much text": "{{ 'abc' * 100000 }}" + CHATML,
}


@pytest.mark.slow
@pytest.mark.parametrize("template", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_templates_are_refused_in_time(tmp_path: Path, template: str) -> None:
    write_tiny_tokenizer(tmp_path, chat_template=template)
    before = processor_seconds_of_children()
    result = try_chat_template(tmp_path)
    assert result.present is True
    assert result.passed is False
    assert result.reason
    assert processor_seconds_of_children() - before < SECONDS + 15, "with starting it, on a slow machine"


def processor_seconds_of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.slow
def test_a_busy_machine_is_no_fault_of_the_template(tmp_path: Path) -> None:
    """Stopped for longer than the template may take of a processor, as by others that take it all."""
    write_tiny_tokenizer(tmp_path)
    with ThreadPoolExecutor(1) as beside:
        trial = beside.submit(try_chat_template, tmp_path)
        child = one_child()
        child.suspend()
        time.sleep(4 * SECONDS + 1)
        child.resume()
        assert trial.result().passed is True


def one_child() -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := psutil.Process().children():
            return found[0]
        time.sleep(0.01)
    raise AssertionError("nothing was started")


def test_an_honest_template_passes(tmp_path: Path) -> None:
    write_tiny_tokenizer(tmp_path)
    result = try_chat_template(tmp_path)
    assert (result.present, result.passed, result.reason, result.refuses) == (True, True, "", ())


def test_a_template_may_refuse_system_messages(tmp_path: Path) -> None:
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
    write_tiny_tokenizer(tmp_path, chat_template=refusing)
    result = try_chat_template(tmp_path)
    assert result.passed is True
    assert result.refuses == ("system",)


def test_a_model_without_template_is_fine(tmp_path: Path) -> None:
    write_tiny_tokenizer(tmp_path, chat_template="")
    result = try_chat_template(tmp_path)
    assert (result.present, result.passed) == (False, True)


def test_an_unreadable_tokenizer_is_said(tmp_path: Path) -> None:
    result = try_chat_template(tmp_path)
    assert result.passed is False
    assert "tokenizer.json" in result.reason


def test_a_template_longer_than_the_limit_is_not_compiled() -> None:
    with pytest.raises(ChatTemplateError, match="longer than"):
        render_chat("x" * 300_000, [], add_generation_prompt=True, special_tokens={})
