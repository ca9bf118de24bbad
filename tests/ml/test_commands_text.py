"""`python -m ml check`, `rate` and `agree` as another program calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ml.cli import main
from ml.commands_text import COMMANDS
from tests.reference.agreement import KRIPPENDORFF_ALPHA, krippendorff_rows
from tests.reference.ratings import FOOD_BRADLEY_TERRY, FOOD_ELO, food_columns


@pytest.fixture
def food(tmp_path) -> Path:
    path = tmp_path / "votes.csv"
    rows = zip(*food_columns(), strict=True)
    path.write_text("left,right,winner\n" + "".join(",".join(row) + "\n" for row in rows))
    return path


def run(capsys, *arguments: object) -> dict:
    assert main([str(argument) for argument in arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def test_the_commands_are_those_of_the_command_line():
    assert list(COMMANDS) == ["check", "rate", "agree"]


def test_rate_prints_the_agreed_object(capsys, food):
    output = run(capsys, "rate", food, "--penalty", 0)
    assert output["method"] == "bt"
    assert output["penalty"] == 0
    assert output["default_penalty"] == 1
    assert output["flags"] == []
    assert {row["item"]: row["strength"] for row in output["items"]} == pytest.approx(FOOD_BRADLEY_TERRY)
    assert sum(row["rating"] for row in output["items"]) == pytest.approx(5000)
    assert all(row["low"] < row["rating"] < row["high"] for row in output["items"])
    assert set(output["items"][0]) == {"item", "rating", "strength", "low", "high", "games", "flags"}


def test_rate_by_elo(capsys, food):
    output = run(capsys, "rate", food, "--method", "elo")
    assert {row["item"]: row["rating"] for row in output["items"]} == pytest.approx(FOOD_ELO)
    assert output["method"] == "elo"


def test_rate_uses_the_stated_default(capsys, food):
    assert run(capsys, "rate", food) == run(capsys, "rate", food, "--penalty", 1)


def test_agree_prints_every_coefficient(capsys, tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("item,rater,value\n" + "".join(",".join(row) + "\n" for row in krippendorff_rows()))
    output = run(capsys, "agree", path)
    assert output["krippendorff"] == pytest.approx(KRIPPENDORFF_ALPHA, abs=5e-8)
    first = output["cohen"][0]
    assert (first["raters"], first["items"]) == (["observer A", "observer B"], 9)
    assert (first["raw"], first["kappa"]) == (pytest.approx(8 / 9), pytest.approx(0.844828, abs=1e-6))
    assert (output["items"], output["raters"], output["grades"]) == (12, 4, 41)
    assert output["raw"] == pytest.approx(43 / 55)


@pytest.mark.parametrize("command", ["rate", "agree", "check"])
def test_a_missing_file_is_one_sentence(capsys, command, tmp_path):
    assert main([command, str(tmp_path / "gone")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("The file cannot be read:")
    assert captured.err.count("\n") == 1


def test_a_bad_file_is_one_sentence_with_the_row(capsys, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("left,right,winner\na,b,left\na,b,maybe\n")
    assert main(["rate", str(path)]) == 1
    assert capsys.readouterr().err == ("Row 3: the winner is 'maybe'; it must be one of left, right, tie, both_bad.\n")
    path.write_text("item,rater\n")
    assert main(["agree", str(path)]) == 1
    assert "the column 'value' is missing" in capsys.readouterr().err


def pairs(tmp_path, *rows) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_check_lists_findings_by_line_and_field(capsys, tmp_path):
    path = pairs(
        tmp_path,
        {"id": "a", "instruction": "What is a startbesked?", "response": "A startbesked is what you recieve first."},
        {"instruction": "Wriet it", "output": "fine"},
        {"id": "c", "instruction": "Hej", "response": "Helt felstavatt svar", "language": "sv"},
    )
    output = run(capsys, "check", path)
    assert output["pairs"] == 3
    assert output["pairs_with_findings"] == 1
    assert output["counts"] == {"misspelling": 1}
    places = [(row["line"], row["id"], row["field"], row["text"]) for row in output["findings"]]
    assert places == [(1, "a", "response", "recieve")]
    assert len(output["unavailable"]) == 1
    assert output["unavailable"][0].startswith("There is no dictionary for Swedish (sv): only words one slip away")
    finding = output["findings"][0]
    assert (finding["check"], finding["severity"], finding["start"], finding["end"]) == (
        "misspelling",
        "warning",
        26,
        33,
    )


def test_check_names_the_lines_that_are_alike(capsys, tmp_path):
    texts = [("How long?", "10 weeks."), ("How high?", "2 m"), ("how long", "8 weeks.")]
    path = pairs(tmp_path, *[{"instruction": question, "response": answer} for question, answer in texts])
    assert run(capsys, "check", path)["links"] == [{"check": "conflict", "lines": [1, 3], "similarity": 0.474}]


def test_check_takes_a_glossary_a_choice_of_checks_and_of_fields(capsys, tmp_path):
    path = pairs(
        tmp_path, {"id": "a", "instruction": "The altan", "input": "An adress", "response": "No adress. " * 30}
    )
    glossary = tmp_path / "glossary.txt"
    glossary.write_text("Altan\n\n")
    output = run(capsys, "check", path, "--glossary", glossary, "--only", "misspelling", "--fields", "instruction")
    assert output["findings"] == []
    output = run(capsys, "check", path, "--only", "repetition")
    assert [finding["field"] for finding in output["findings"]] == ["response"]


def test_check_compares_lengths_with_the_rest_of_the_file(capsys, tmp_path):
    rows = [{"id": str(n), "instruction": "Why", "response": "word " * 10} for n in range(40)]
    path = pairs(tmp_path, *rows, {"id": "long", "instruction": "Why", "response": "some more words here " * 10})
    output = run(capsys, "check", path, "--only", "too_long")
    assert [finding["id"] for finding in output["findings"]] == ["long"]


def test_check_reports_lines_that_cannot_be_read_and_checks_the_rest(capsys, tmp_path):
    path = pairs(tmp_path, {"id": "a", "instruction": "We recieve"}, "{broken", "[1]", '{"instruction": 3}', "")
    with path.open("ab") as file:
        file.write(b'{"instruction": "\xff"}\n')
        file.write(b'{"instruction": "half \\ud800 recieve"}\n')
    assert main(["check", str(path)]) == 1
    output = json.loads(capsys.readouterr().out)
    assert [(row["line"], row["reason"][:30]) for row in output["unreadable"]] == [
        (2, "The line is not JSON: Expectin"),
        (3, "The line is not a JSON object."),
        (4, "The field instruction of an ex"),
        (6, "The line is not UTF-8 text."),
    ]
    spelling = [row["line"] for row in output["findings"] if row["check"] == "misspelling"]
    assert spelling == [1, 7]


def test_the_commands_run_as_a_program_without_torch(food):
    code = "import sys; from ml.cli import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "rate", str(food)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert json.loads(done.stdout)["votes"] == 30
