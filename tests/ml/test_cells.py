"""What shares a cell is found as if every vector had been compared with every other."""

import numpy as np

from ml.cells import CellIndex, Cells


def groups(count: int, size: int, spread: float) -> np.ndarray:
    """Vectors of length 1 in groups, those of a group near one another."""
    random = np.random.default_rng(3)
    middles = np.repeat(random.normal(size=(count, 32)), size, axis=0)
    found = (middles + spread * random.normal(size=middles.shape)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def couples(index: CellIndex, others: np.ndarray) -> set[tuple[int, int]]:
    return {(one, other) for met, _cosines in index.alike(others, 0.86) for one, other in met.tolist()}


def all_with_all(own: np.ndarray, others: np.ndarray) -> set[tuple[int, int]]:
    return set(map(tuple, np.argwhere(own @ others.T >= 0.86).tolist()))


def test_one_cell_is_all_with_all():
    vectors = groups(40, 3, 0.3)
    index = CellIndex(Cells(np.ones((1, 32), dtype=np.float32)), vectors[::2])
    assert couples(index, vectors[1::2]) == all_with_all(vectors[::2], vectors[1::2])
    assert len(couples(index, vectors[1::2])) > 20
    assert couples(index, vectors[:0]) == set()


def test_many_cells_find_nearly_all_and_nothing_else():
    vectors = groups(400, 5, 0.35)
    cells = Cells.among(vectors, 25)
    assert len(cells.centres) == 25
    found, wanted = couples(CellIndex(cells, vectors), vectors), all_with_all(vectors, vectors)
    assert found <= wanted
    assert len(wanted) > 4_000
    assert len(found) >= 0.99 * len(wanted)


def test_the_same_sample_gives_the_same_cells_and_no_more_than_it_has_vectors():
    vectors = groups(10, 2, 0.3)
    assert np.array_equal(Cells.among(vectors, 4).centres, Cells.among(vectors, 4).centres)
    assert len(Cells.among(vectors, 100).centres) == 20


def test_cosines_come_with_the_couples():
    vectors = groups(20, 2, 0.2)
    index = CellIndex(Cells.among(vectors, 3), vectors)
    for met, cosines in index.alike(vectors, 0.86):
        assert np.allclose(cosines, (vectors[met[:, 0]] * vectors[met[:, 1]]).sum(axis=1), atol=1e-5)
