"""Agreement coefficients are the published ones; where they are undefined that is said."""

import csv
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.agree import (
    GradeError,
    Grades,
    agree,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    read_grades,
)
from tests.reference.agreement import (
    COHEN_COUNTS,
    COHEN_KAPPA,
    COHEN_SAME_RAW,
    FLEISS_COUNTS,
    FLEISS_KAPPA,
    KRIPPENDORFF_ALPHA,
    krippendorff_rows,
)
from tests.reference.ratings import LLMFAO_AGREEMENT
from tests.reference.shared_data import shared_data


def expand(table):
    return [pair for pair, count in table.items() for _ in range(count)]


@pytest.mark.parametrize("distance", ["nominal", "ordinal", "interval"])
def test_krippendorffs_example_gives_his_alpha(distance):
    result = agree(Grades(krippendorff_rows()))
    assert result.krippendorff[distance] == pytest.approx(KRIPPENDORFF_ALPHA[distance], abs=5e-8)


def test_alpha_of_words_is_the_nominal_one():
    rows = [(item, rater, f"grade {value}") for item, rater, value in krippendorff_rows()]
    result = agree(Grades(rows))
    assert result.krippendorff["nominal"] == pytest.approx(KRIPPENDORFF_ALPHA["nominal"], abs=5e-8)
    assert result.krippendorff["ordinal"] is result.krippendorff["interval"] is None
    assert "Some grades are not numbers: ordinal and interval agreement are not defined." in result.notes


def test_fleiss_example_gives_the_published_kappa():
    units = [[f"category {n}" for n, count in enumerate(row) for _ in range(count)] for row in FLEISS_COUNTS]
    assert fleiss_kappa(units) == pytest.approx(FLEISS_KAPPA, abs=5e-4)


def test_cohen_examples_give_the_published_kappa():
    assert cohen_kappa(expand(COHEN_COUNTS)) == pytest.approx(COHEN_KAPPA)
    for table, kappa in COHEN_SAME_RAW:
        assert cohen_kappa(expand(table)) == pytest.approx(kappa, abs=5e-5)


def test_two_raters_on_the_same_items_in_the_whole_report():
    pairs = expand(COHEN_COUNTS)
    rows = [
        (f"grant {n}", rater, value) for n, pair in enumerate(pairs) for rater, value in zip("AB", pair, strict=True)
    ]
    result = agree(Grades(rows))
    assert (result.items, result.raters, result.grades, result.raw) == (50, 2, 100, 0.7)
    (pair,) = result.cohen
    assert (pair.raters, pair.items, pair.raw, pair.kappa) == (("A", "B"), 50, 0.7, pytest.approx(0.4))
    assert result.notes == ("Some grades are not numbers: ordinal and interval agreement are not defined.",)


def test_only_items_that_two_people_graded_count():
    rows = [("a", "x", "1"), ("a", "y", "1"), ("b", "x", "2"), ("b", "y", "1"), ("alone", "x", "2")]
    result = agree(Grades(rows))
    assert result.raw == 0.5
    assert result.items == 3
    assert result.notes == ("1 of 3 items were graded by one person and do not count.",)


def test_no_overlap_is_said_not_invented():
    result = agree(Grades([("a", "x", "1"), ("b", "y", "1")]))
    assert (result.raw, result.fleiss, result.cohen) == (None, None, ())
    assert set(result.krippendorff.values()) == {None}
    assert result.notes == ("No item was graded by two people, so there is no agreement to measure.",)


def test_full_agreement_on_one_value_is_undefined_not_perfect():
    result = agree(Grades([(item, rater, "5") for item in "abc" for rater in "xy"]))
    assert result.raw == 1.0
    assert (result.fleiss, result.cohen[0].kappa, result.krippendorff["nominal"]) == (None, None, None)
    assert result.notes == ("All grades are alike, so agreement beyond chance is undefined; read the raw share.",)


def test_full_agreement_on_different_values_is_one():
    result = agree(Grades([(item, rater, item) for item in "123" for rater in "xyz"]))
    assert (result.raw, result.fleiss, result.krippendorff) == (1.0, 1.0, dict.fromkeys(KRIPPENDORFF_ALPHA, 1.0))
    assert {pair.kappa for pair in result.cohen} == {1.0}


def test_unequal_numbers_of_grades_are_named():
    assert any("different numbers of grades" in note for note in agree(Grades(krippendorff_rows())).notes)


def test_numbers_are_equal_as_numbers_and_ordered_as_numbers():
    assert agree(Grades([("a", "x", "4"), ("a", "y", "4.0"), ("b", "x", "1"), ("b", "y", "1")])).raw == 1.0
    near = krippendorff_alpha([[9.0, 10.0], [10.0, 9.0], [2.0, 2.0]], "interval")
    far = krippendorff_alpha([[2.0, 10.0], [10.0, 2.0], [9.0, 9.0]], "interval")
    assert near > 0.9
    assert far < 0


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=1, max_size=12), st.randoms())
@pytest.mark.slow
def test_order_of_items_raters_and_names_of_values_do_not_matter(units, randomizer: random.Random):
    shuffled = [randomizer.sample(unit, len(unit)) for unit in randomizer.sample(units, len(units))]
    renamed = [[{"a": "z", "b": "y", "c": "x"}[value] for value in unit] for unit in shuffled]
    for coefficient in (fleiss_kappa, krippendorff_alpha):
        before = coefficient(units)
        assert coefficient(renamed) == (None if before is None else pytest.approx(before, abs=1e-9))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=20))
def test_kappa_never_exceeds_one_and_is_symmetric(pairs):
    kappa = cohen_kappa(pairs)
    assert kappa is None or kappa <= 1
    turned = cohen_kappa([(other, one) for one, other in pairs])
    assert turned == (None if kappa is None else pytest.approx(kappa))


def test_a_file_is_read_with_any_column_order_bom_and_missing_grades(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("\ufeffvalue,Item,rater,remark\n1,a,x,\n1,a,y,fine\n,b,x,\n\n2,b,y,\n", encoding="utf-8")
    grades = read_grades(path)
    assert grades.by_item == {"a": {"x": "1.0", "y": "1.0"}, "b": {"y": "2.0"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Row 1: the column 'item' is missing; the heading must name item, rater and value."),
        ("item,value\na,1\n", "Row 1: the column 'rater' is missing"),
        ("item,rater,value\n", "There are no grades."),
        ("item,rater,value\na,x,1\na,y\n", "Row 3 has 2 columns; the heading has 3."),
        ("item,rater,value\na,x,1\n ,y,1\n", "Row 3 has no item."),
        ("item,rater,value\na,,1\n", "Row 2 has no rater."),
        ("item,rater,value\na,x,1\nb,x,1\na,x,2\n", "Row 4: 'x' graded 'a' in row 2 already; keep one of the two."),
        ('item,rater,value\na,x,"1', "is not a CSV file"),
    ],
)
def test_a_bad_file_is_refused_with_the_row(tmp_path, content, message):
    path = tmp_path / "grades.csv"
    path.write_text(content)
    with pytest.raises(GradeError) as error:
        read_grades(path)
    assert message in str(error.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_bytes("item,rater,value\nå,x,1\n".encode("latin-1"))
    with pytest.raises(GradeError, match="not UTF-8"):
        read_grades(path)


def test_grading_twice_is_refused_from_rows_too():
    with pytest.raises(GradeError, match="'x' graded 'a' twice"):
        Grades([("a", "x", "1"), ("a", "x", "1")])


def test_real_votes_give_the_agreement_that_two_libraries_give():
    number = {"left": "1", "tie": "2", "right": "3"}
    with shared_data("llmfao/crowd-comparisons.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            (f"{row['prompt']} {row['model_x']} {row['model_y']}", row["worker"], number[row["winner"]])
            for row in csv.DictReader(file)
        ]
    grades = Grades(rows)
    result = agree(grades)
    assert result.raw == pytest.approx(LLMFAO_AGREEMENT["raw"], abs=5e-5)
    assert sum(len(list(itertools.combinations(unit, 2))) for unit in grades.units()) == 15112
    for distance, alpha in result.krippendorff.items():
        assert alpha == pytest.approx(LLMFAO_AGREEMENT[distance], abs=1e-6)
