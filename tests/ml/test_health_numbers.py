"""Mentions and clusters: counted by words, grouped by distance."""

import numpy as np
import pytest

from ml.clusters import clusters, flat
from ml.mentions import mentions


def test_genders_regions_and_names_are_counted_by_words():
    found = mentions("Then she met Anna Maria Berg of the Planning Office in Sweden; Swedish law.", "en")
    assert found.genders == {"feminine"}
    assert found.regions == {"Europe"}
    assert found.names == {"Anna Maria Berg", "Planning Office"}
    text = "By the Work Environment Act he met Jude Law; we read How To Have Good Habits For Life."
    assert mentions(text, "en").names == {"Jude Law"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("The manager spoke to Mary.", "en", id="nothing is guessed from a first name"),
        pytest.param("Hon sa det.", "en", id="a word of another language"),
        pytest.param("A mandate for the wombat.", "en", id="parts of words"),
    ],
)
def test_what_names_nobody(text, language):
    found = mentions(text, language)
    assert (found.genders, found.regions, found.names) == (frozenset(), frozenset(), frozenset())


def test_clusters_are_found_and_ordered_by_size():
    random = np.random.default_rng(1)
    near, far = random.normal(0, 0.1, (30, 8)), random.normal(5, 0.1, (10, 8))
    labels = clusters(np.vstack([far, near]), 2)
    assert labels.tolist() == [1] * 10 + [0] * 30
    assert (clusters(np.vstack([far, near]), 2) == labels).all()


def test_more_clusters_than_rows_are_refused():
    with pytest.raises(ValueError, match="2 vectors cannot form 3 clusters"):
        clusters(np.zeros((2, 4)), 3)


def test_equal_vectors_are_no_trouble():
    assert set(clusters(np.ones((5, 4)), 2).tolist()) <= {0, 1}
    assert flat(np.ones((5, 4))).tolist() == [[0.0, 0.0]] * 5


def test_the_picture_keeps_what_is_far_apart_far_apart():
    points = flat(np.array([[0.0, 0, 0], [0.1, 0, 0], [9, 1, 0], [9, 0, 0.1]]))
    assert np.abs(points).max() == pytest.approx(1)
    assert abs(points[0, 0] - points[1, 0]) < 0.1 < abs(points[0, 0] - points[2, 0])
