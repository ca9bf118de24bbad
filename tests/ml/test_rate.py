"""Ratings are the published ones, their intervals hold, and what the votes leave open is said."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.rate import DEFAULT_PENALTY, bradley_terry, elo
from ml.votes import VoteError, Votes, read_votes
from tests.reference.ratings import (
    FOOD_BRADLEY_TERRY,
    FOOD_ELO,
    LLMFAO_STRENGTHS,
    WORKED_STRENGTHS,
    WORKED_WINS,
    food_columns,
)
from tests.reference.shared_data import shared_data


def votes(text: str, **clusters) -> Votes:
    """Votes from words like a>b (a on the left won), a<b and a=b."""
    words = {">": "left", "<": "right", "=": "tie"}
    given = text.split()
    return Votes.of([v[0] for v in given], [v[2] for v in given], [words[v[1]] for v in given], **clusters)


def by_name(ratings) -> dict:
    return {row.item: row for row in ratings.items}


def test_bradley_terry_gives_the_published_strengths_of_five_dishes():
    ratings = bradley_terry(Votes.of(*food_columns()), penalty=0)
    assert {row.item: row.strength for row in ratings.items} == pytest.approx(FOOD_BRADLEY_TERRY, abs=1e-12)
    assert [row.item for row in ratings.items] == list(FOOD_BRADLEY_TERRY), "best first"
    assert sum(row.games for row in ratings.items) == 60


def test_elo_gives_the_published_ratings_of_five_dishes():
    ratings = elo(Votes.of(*food_columns()))
    assert {row.item: row.rating for row in ratings.items} == pytest.approx(FOOD_ELO, abs=1e-9)


def test_bradley_terry_gives_the_worked_example():
    names = [
        (one, other) for one, beaten in WORKED_WINS.items() for other, times in beaten.items() for _ in range(times)
    ]
    ratings = bradley_terry(Votes.of([a for a, _ in names], [b for _, b in names], ["left"] * 22), penalty=0)
    strengths = {row.item: row.strength for row in ratings.items}
    scale = math.prod(strengths.values()) ** (1 / 4)
    assert {item: value / scale for item, value in strengths.items()} == pytest.approx(WORKED_STRENGTHS, abs=6e-4)


@pytest.mark.parametrize("name", ["food", "simple"])
def test_both_methods_give_the_published_ratings_of_whole_files(name):
    golden = shared_data(f"evalica_golden/{name}-golden.csv")
    given = read_votes(shared_data(f"evalica_golden/{name}.csv"))
    with golden.open(encoding="utf-8", newline="") as file:
        expected = {(row["algorithm"], row["item"]): float(row["score"]) for row in csv.DictReader(file)}
    for row in bradley_terry(given, penalty=0).items:
        assert row.strength == pytest.approx(expected["bradley_terry", row.item], abs=1e-12)
    for row in elo(given).items:
        assert row.rating == pytest.approx(expected["elo", row.item], abs=1e-9)


def test_real_votes_give_the_published_strengths_and_wider_intervals_by_prompt():
    with shared_data("llmfao/crowd-comparisons.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [row[name] for row in rows] for name in ("left", "right", "winner", "worker", "prompt")}
    given = Votes.of(
        columns["left"], columns["right"], columns["winner"], rater=columns["worker"], prompt=columns["prompt"]
    )
    ratings = bradley_terry(given, penalty=0)
    found = by_name(ratings)
    assert {name: found[name].strength for name in LLMFAO_STRENGTHS} == pytest.approx(LLMFAO_STRENGTHS, abs=5e-10)
    assert ratings.intervals["clusters"] == {"rater": 124, "prompt": 13}
    errors = ratings.intervals["mean_standard_error"]
    # Computed before this code, with another script: 18.6, 21.2, and 30.5 without the correction √(13/12).
    assert errors == pytest.approx({"vote": 18.6, "rater": 21.2, "prompt": 30.5 * math.sqrt(13 / 12)}, abs=0.06)


def test_two_items_have_a_closed_form():
    """Eight wins, two ties, two losses: log odds of 9 to 3, sandwich variance Σ(outcome - p)² / (n p (1-p))²."""
    row = by_name(bradley_terry(votes("a>b " * 8 + "a=b " * 2 + "a<b " * 2), penalty=0))["a"]
    p = 9 / 12
    assert row.strength == pytest.approx(p)
    assert row.rating == pytest.approx(1000 + 400 * math.log10(3) / 2)
    difference = math.sqrt(8 * (1 - p) ** 2 + 2 * (0.5 - p) ** 2 + 2 * p**2) / (12 * p * (1 - p))
    assert row.high - row.rating == pytest.approx(1.959964 * 400 / math.log(10) * difference / 2, rel=1e-6)
    assert row.rating - row.low == pytest.approx(row.high - row.rating)


def test_votes_by_one_rater_count_as_one_when_clustered():
    """Every vote four times by its rater: the interval is that of the single votes with n/(n-1) and Student's t."""
    text = "a>b a>b a<b b>c b>c b<c c>a a>c a>c"
    plain = bradley_terry(votes(text), penalty=0)
    raters = [str(number) for number in range(9)] * 4
    clustered = bradley_terry(votes(" ".join([text] * 4), rater=raters), penalty=0)
    errors = clustered.intervals["mean_standard_error"]
    expected = plain.intervals["mean_standard_error"]["vote"] * math.sqrt(9 / 8)
    assert errors["rater"] == pytest.approx(expected)
    assert errors["vote"] == pytest.approx(expected / math.sqrt(9 / 8) / 2)
    t = 2.306004  # 8 degrees of freedom
    row = by_name(clustered)["a"]
    single = by_name(plain)["a"]
    assert row.high - row.rating == pytest.approx(
        (single.high - single.rating) * math.sqrt(9 / 8) * t / 1.959964, rel=1e-5
    )


def test_clusters_are_summed_in_parts_with_the_same_result(monkeypatch):
    random = np.random.default_rng(1)
    left = random.integers(0, 5, 400)
    given = Votes(
        tuple("abcde"), left, (left + random.integers(1, 5, 400)) % 5, random.integers(0, 3, 400) / 2,
        prompt=random.integers(0, 50, 400),
    )  # fmt: skip
    whole = bradley_terry(given)
    monkeypatch.setattr("ml.rate._CELLS", 35)
    assert bradley_terry(given).intervals["mean_standard_error"] == pytest.approx(
        whole.intervals["mean_standard_error"]
    )


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    truth = np.array([0.6, 0.2, -0.1, -0.7])
    inside = []
    for _ in range(300):
        left = random.integers(0, 4, 240)
        right = (left + random.integers(1, 4, 240)) % 4
        outcome = (random.random(240) < 1 / (1 + np.exp(truth[right] - truth[left]))).astype(float)
        found = by_name(bradley_terry(Votes(tuple("0123"), left, right, outcome)))
        for item, value in enumerate(truth):
            row = found[str(item)]
            inside.append(row.low <= 1000 + 400 / math.log(10) * value <= row.high)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_an_undefeated_item_has_no_plain_rating_and_this_is_said():
    ratings = bradley_terry(votes("a>b b>c a>c"), penalty=0)
    assert ratings.flags == ("not_separable",)
    assert {(row.rating, row.strength, row.low, row.high) for row in ratings.items} == {(None, None, None, None)}
    assert {row.item: row.flags for row in ratings.items} == {"a": ("undefeated",), "b": (), "c": ("winless",)}
    assert ratings.notes == (
        "Some items won or lost every vote against the others, so maximum likelihood has no finite answer. "
        "Rate with a penalty (the default is 1), or collect more votes on these items.",
    )


def test_the_default_penalty_rates_it_with_a_wide_interval_and_still_says_it():
    ratings = bradley_terry(votes("a>b b>c a>c"))
    assert (ratings.penalty, DEFAULT_PENALTY, ratings.flags) == (1.0, 1.0, ("not_separable",))
    a, b, c = ratings.items
    assert (a.item, b.item, c.item) == ("a", "b", "c")
    assert b.rating == pytest.approx(1000)
    assert a.high - a.low > 500, "three votes say next to nothing"
    assert "decided by the penalty" in ratings.notes[0]


def test_one_vote_with_the_default_penalty_by_hand():
    """One win and one virtual tie: 1.5 to 0.5."""
    assert by_name(bradley_terry(votes("a>b")))["a"].strength == pytest.approx(0.75)
    assert by_name(bradley_terry(votes("a>b"), penalty=2))["a"].strength == pytest.approx(2 / 3)


def test_groups_that_beat_each_other_only_one_way_are_not_separable():
    """a and b drew, c and d drew, and a beat c: no item is undefeated in all, yet nothing bounds the gap."""
    ratings = bradley_terry(votes("a=b c=d a>c"), penalty=0)
    assert ratings.flags == ("not_separable",)
    assert by_name(ratings)["a"].flags == ()


def test_items_never_compared_are_flagged_and_each_group_has_mean_1000():
    ratings = bradley_terry(votes("a>b a<b a>b c>d c<d e=c"), penalty=0)
    assert ratings.flags == ("disconnected",)
    found = by_name(ratings)
    assert {item for item, row in found.items() if "separate" in row.flags} == {"a", "b"}
    assert found["a"].rating + found["b"].rating == pytest.approx(2000)
    assert found["c"].rating + found["d"].rating + found["e"].rating == pytest.approx(3000)
    assert found["a"].strength / found["b"].strength == pytest.approx(2)
    assert sum(row.strength for row in ratings.items) == pytest.approx(1)
    assert "their order is unknown" in ratings.notes[0]


def test_both_bad_counts_as_a_tie():
    bad = Votes.of(["a", "a"], ["b", "b"], ["both_bad", "left"])
    tie = Votes.of(["a", "a"], ["b", "b"], ["tie", "left"])
    assert bradley_terry(bad).items == bradley_terry(tie).items
    assert elo(bad).items == elo(tie).items


def test_only_ties_leave_all_equal():
    ratings = bradley_terry(votes("a=b b=c"), penalty=0)
    assert [row.rating for row in ratings.items] == [1000, 1000, 1000]
    assert ratings.flags == ()


def test_elo_follows_the_order_and_has_no_interval():
    one, other = elo(votes("a>b a<b")), elo(votes("a<b a>b"))
    assert by_name(elo(votes("a>b")))["a"].rating == 1002.0
    assert by_name(one)["a"].rating == pytest.approx(1000 - (by_name(other)["a"].rating - 1000))
    assert by_name(one)["a"].rating != 1000
    assert {(row.low, row.high) for row in one.items} == {(None, None)}
    assert one.notes == (
        "Elo depends on the order of the votes, so it has no interval; rank by Bradley-Terry (method bt).",
    )
    assert sum(row.strength for row in one.items) == pytest.approx(1)


def test_the_order_of_votes_and_sides_does_not_matter_to_bradley_terry():
    one = bradley_terry(votes("a>b b>c c>a a=c b>a"))
    other = bradley_terry(votes("a<b c=a a<c c<b b<a"))
    assert {row.item: row.rating for row in one.items} == pytest.approx({row.item: row.rating for row in other.items})


VOTE = st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.sampled_from("><=")).filter(
    lambda vote: vote[0] != vote[1]
)


@given(st.lists(VOTE, min_size=1, max_size=60), st.sampled_from([0.0, 0.1, 1.0]))
@settings(deadline=None)
def test_any_votes_give_strengths_that_sum_to_one_and_a_mean_of_1000(given_votes, penalty):
    ratings = bradley_terry(votes(" ".join(f"{a}{sign}{b}" for a, b, sign in given_votes)), penalty=penalty)
    if penalty == 0 and "not_separable" in ratings.flags:
        assert {row.rating for row in ratings.items} == {None}
        return
    assert sum(row.strength for row in ratings.items) == pytest.approx(1)
    assert sum(row.rating for row in ratings.items) == pytest.approx(1000 * len(ratings.items))
    assert all(row.low <= row.rating <= row.high for row in ratings.items)
    order = [row.rating for row in ratings.items]
    assert order == sorted(order, reverse=True)


@given(st.lists(VOTE, min_size=1, max_size=40))
@settings(deadline=None)
def test_the_gradient_vanishes_at_the_answer(given_votes):
    """With the penalty, what each item won is what its rating expects: the condition of maximum likelihood."""
    text = " ".join(f"{a}{sign}{b}" for a, b, sign in given_votes)
    rating = {row.item: row.rating for row in bradley_terry(votes(text)).items}
    surplus = dict.fromkeys(rating, 0.0)
    virtual = {(min(a, b), max(a, b), "=") for a, b, _ in given_votes}
    for a, b, sign in [*given_votes, *virtual]:
        gain = {">": 1.0, "<": 0.0, "=": 0.5}[sign] - 1 / (1 + 10 ** ((rating[b] - rating[a]) / 400))
        surplus[a] += gain
        surplus[b] -= gain
    assert max(map(abs, surplus.values())) < 1e-7


def test_the_output_object_has_the_agreed_keys():
    output = bradley_terry(votes("a>b a<b a=b")).to_json()
    assert output["method"] == "bt"
    assert output["penalty"] == output["default_penalty"] == 1.0
    assert output["flags"] == ()
    assert set(output["items"][0]) == {"item", "rating", "strength", "low", "high", "games", "flags"}
    assert output["votes"] == output["items"][0]["games"] == 3


@pytest.mark.parametrize("penalty", [-1.0, math.nan, math.inf])
def test_an_impossible_penalty_is_refused(penalty):
    with pytest.raises(VoteError, match="penalty must be zero or more"):
        bradley_terry(votes("a>b"), penalty=penalty)


def test_no_votes_are_refused():
    empty = Votes((), *(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, np.float64)))
    for rate in (bradley_terry, elo):
        with pytest.raises(VoteError, match="no votes"):
            rate(empty)


def test_a_hundred_models_with_a_million_votes_are_counted_by_pair_first():
    """The work after counting does not grow with the votes: the same votes ten times over give the same ratings."""
    random = np.random.default_rng(2)
    left = random.integers(0, 100, 100_000)
    right = (left + random.integers(1, 100, 100_000)) % 100
    outcome = random.integers(0, 3, 100_000) / 2
    once = Votes(tuple(f"model {n:02}" for n in range(100)), left, right, outcome)
    often = Votes(once.items, *(np.tile(column, 10) for column in (left, right, outcome)))
    one, ten = bradley_terry(once, penalty=0.1), bradley_terry(often, penalty=1.0)
    assert {r.item: r.rating for r in ten.items} == pytest.approx({r.item: r.rating for r in one.items})
    ratio = one.intervals["mean_standard_error"]["vote"] / ten.intervals["mean_standard_error"]["vote"]
    assert ratio == pytest.approx(math.sqrt(10), rel=1e-6)
