"""Rules of style that a machine can hold."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "core", "curation", "training", "evaluation", "home", "ml")


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\n") if name and (ROOT / name).exists()]


def product_files() -> list[Path]:
    return [
        path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in APPS and "migrations" not in path.parts
    ]


def test_no_file_outgrows_its_topic() -> None:
    limits = {path: 500 if path.relative_to(ROOT).parts[0] == "ml" else 400 for path in product_files()}
    long = [f"{path.relative_to(ROOT)}" for path, most in limits.items() if len(path.read_text().splitlines()) > most]
    assert long == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in product_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 60:
                long.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert long == []


def test_there_is_no_drawer_without_a_topic() -> None:
    drawers = {"utils.py", "helpers.py", "misc.py", "common_utils.py"}
    assert [path for path in tracked("*.py") if path.name in drawers] == []


@pytest.mark.parametrize("app", ["core", "curation", "training", "evaluation", "home"])
def test_services_hold_no_names_of_their_package(app: str) -> None:
    assert (ROOT / app / "services" / "__init__.py").read_text() == ""


def test_templates_are_short_and_carry_neither_style_nor_script() -> None:
    wrong = []
    for path in tracked("templates/*.html", "templates/**/*.html"):
        text = path.read_text()
        name = path.relative_to(ROOT)
        if len(text.splitlines()) > 200:
            wrong.append(f"{name}: over 200 lines")
        if re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=", text):
            wrong.append(f"{name}: inline style or handler")
        if re.search(r"<script(?![^>]*\ssrc=)", text) and "application/json" not in text:
            wrong.append(f"{name}: inline script")
        if re.search(r"\|\s*safe\b", text):
            wrong.append(f"{name}: |safe")
    assert wrong == []


def test_only_one_module_may_call_text_safe() -> None:
    allowed = {"core/markdown.py", "core/charts.py", "core/templatetags/parts.py"}
    found = {str(path.relative_to(ROOT)) for path in product_files() if "mark_safe(" in path.read_text()}
    assert found <= allowed


def test_every_function_is_typed() -> None:
    untyped = total = 0
    for path in product_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in {"self", "cls"}]
                total += len(arguments) + 1
                untyped += sum(a.annotation is None for a in arguments) + (node.returns is None)
    assert untyped <= total * 0.05
