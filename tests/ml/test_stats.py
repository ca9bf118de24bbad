"""Intervals give the published numbers, and say nothing where nothing can be said."""

import math
from statistics import mean, stdev

import numpy as np
import pytest

from ml.stats import (
    Interval,
    mean_interval,
    mean_interval_of,
    normal_quantile,
    paired_difference,
    t_quantile,
    wilson,
)

# Student (1908), extra hours of sleep of ten patients under two drugs; the interval of the paired test as R prints it.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.mark.parametrize(
    ("confidence", "freedom", "published"),
    [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 4, 2.776),
        (0.95, 10, 2.228),
        (0.95, 30, 2.042),
        (0.95, 120, 1.980),
        (0.90, 5, 2.015),
        (0.99, 5, 4.032),
        (0.999, 60, 3.460),
    ],
)
def test_quantiles_of_student_t_are_those_of_the_table(confidence, freedom, published):
    assert t_quantile(confidence, freedom) == pytest.approx(published, abs=0.0005)


def test_t_becomes_normal_and_has_a_closed_form_for_one_and_two_degrees():
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054, abs=1e-12)
    assert t_quantile(0.95, 1e7) == pytest.approx(normal_quantile(0.95), abs=1e-5)
    assert t_quantile(0.95, 1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-10)
    alpha = 0.025
    assert t_quantile(0.95, 2) == pytest.approx((1 - 2 * alpha) * math.sqrt(2 / (4 * alpha * (1 - alpha))), rel=1e-10)


def test_mean_interval_is_that_of_students_sleep_data():
    interval = mean_interval([b - a for a, b in zip(SLEEP_1, SLEEP_2, strict=True)])
    assert interval.estimate == pytest.approx(1.58)
    assert (interval.low, interval.high) == (pytest.approx(0.7001142, abs=1e-7), pytest.approx(2.459886, abs=1e-6))
    assert (interval.count, interval.confidence, interval.method) == (10, 0.95, "t")


def test_an_interval_is_the_same_from_the_values_and_from_what_a_database_counts_of_them():
    changes = [b - a for a, b in zip(SLEEP_1, SLEEP_2, strict=True)]
    whole, counted = mean_interval(changes), mean_interval_of(10, mean(changes), stdev(changes))
    assert (counted.estimate, counted.low, counted.high) == pytest.approx((whole.estimate, whole.low, whole.high))
    assert mean_interval_of(1, 3.0, None) == mean_interval([3.0])


def test_values_said_twice_do_not_count_twice_when_clustered():
    plain = mean_interval(SLEEP_1)
    twice = mean_interval(SLEEP_1 * 2, clusters=list(range(10)) * 2)
    assert (twice.low, twice.high) == (pytest.approx(plain.low), pytest.approx(plain.high))
    assert mean_interval(SLEEP_1 * 2).high < plain.high, "without clusters the interval is too narrow"


def test_one_value_or_one_cluster_has_no_bounds():
    assert mean_interval([3.0]) == Interval(3.0, None, None, 1, 0.95, "t")
    assert mean_interval([1.0, 2.0], clusters=["a", "a"]).low is None
    assert mean_interval([3.0], method="bootstrap") == Interval(3.0, None, None, 1, 0.95, "bootstrap")
    assert mean_interval([2.0, 2.0, 2.0]).low == 2.0


def test_bootstrap_of_two_values_reaches_both():
    """The mean of two draws from 0 and 1 is 0, ½ or 1 with chances ¼, ½, ¼."""
    assert mean_interval([0.0, 1.0], method="bootstrap") == Interval(0.5, 0.0, 1.0, 2, 0.95, "bootstrap")
    half = mean_interval([0.0, 1.0], method="bootstrap", confidence=0.4)
    assert (half.low, half.high) == (0.5, 0.5)


def test_bootstrap_approaches_the_normal_interval():
    values = np.random.default_rng(7).normal(5, 2, 2000)
    interval = mean_interval(values, method="bootstrap")
    half = normal_quantile(0.95) * values.std() / math.sqrt(2000)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.05 * half)


def test_bootstrap_is_reproducible_and_depends_on_the_seed():
    first = mean_interval(SLEEP_1, method="bootstrap", resamples=500)
    assert mean_interval(SLEEP_1, method="bootstrap", resamples=500) == first
    assert mean_interval(SLEEP_1, method="bootstrap", resamples=500, seed=1) != first


def test_paired_difference_is_of_the_same_items():
    result = paired_difference(SLEEP_1, SLEEP_2)
    assert result.interval.estimate == pytest.approx(1.58)
    assert (result.second_higher, result.first_higher, result.equal) == (9, 0, 1)
    assert (result.first_mean, result.second_mean) == (pytest.approx(0.75), pytest.approx(2.33))
    # Percentile bounds lie within a tenth of Student's here, and on the same side of zero.
    assert result.interval.low == pytest.approx(0.7001, abs=0.3)
    assert result.interval.high == pytest.approx(2.4599, abs=0.3)
    assert result.excludes_zero


def test_pairing_finds_what_two_separate_intervals_hide():
    easy_and_hard = np.linspace(0, 100, 200)
    noise = np.random.default_rng(3).normal(0, 1, 200)
    result = paired_difference(easy_and_hard, easy_and_hard + 1 + noise)
    assert result.excludes_zero
    assert result.interval.high - result.interval.low < 0.5


def test_no_difference_does_not_exclude_zero():
    assert not paired_difference(SLEEP_1, SLEEP_1).excludes_zero
    assert not paired_difference([1.0], [2.0]).excludes_zero, "one item proves nothing"
    assert paired_difference(SLEEP_2, SLEEP_1).excludes_zero
    assert paired_difference(SLEEP_2, SLEEP_1).interval.high < 0


def test_clusters_widen_the_paired_interval():
    change = [1.0] * 20 + [-0.5] * 20 + [0.4] * 20
    groups = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    zeros = [0.0] * 60
    assert paired_difference(zeros, change).excludes_zero
    assert not paired_difference(zeros, change, clusters=groups).excludes_zero


def test_more_resamples_than_fit_at_once_are_drawn_in_parts():
    values = np.arange(3000.0)
    interval = mean_interval(values, method="bootstrap", resamples=3000)
    half = normal_quantile(0.95) * values.std() / math.sqrt(3000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.1)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # Newcombe (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_table(successes, total, low, high):
    interval = wilson(successes, total)
    assert interval.estimate == successes / total
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_is_symmetric_and_ends_at_one():
    assert wilson(29, 29).high == 1.0
    assert wilson(28, 29).low == pytest.approx(1 - wilson(1, 29).high)


@pytest.mark.parametrize(("successes", "total"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes, total):
    with pytest.raises(ValueError, match=f"{successes} of {total}"):
        wilson(successes, total)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([]), "at least one value"),
        (lambda: mean_interval([1.0, math.nan]), "Value 2 of 2 is nan"),
        (lambda: mean_interval([1.0, 2.0], clusters=["a"]), "2 values, 1 clusters"),
        (lambda: mean_interval([1.0, 2.0], confidence=95), "between 0 and 1, not at 95"),
        (lambda: paired_difference([1.0], [1.0, 2.0]), "1 before, 2 after"),
        (lambda: t_quantile(0.95, 0), "more than zero degrees"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
