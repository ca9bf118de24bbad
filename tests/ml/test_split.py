"""The split never puts two pairs that say the same into two parts, and what has a place keeps it."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.split import LeftOut, Link, Lone, PairText, Placement, assign, find_links, part_of
from tests.ml.pairs_made import faq, pair

TRAIN, DEVELOP, TEST = Placement("g-train", 0.5), Placement("g-develop", 0.01), Placement("g-test", 0.9)


def parts(split) -> dict:
    return dict(split.parts)


# --- parts


@pytest.mark.parametrize(
    ("position", "part"),
    [(0.0, "develop"), (0.0799, "develop"), (0.0801, "train"), (0.7999, "train"), (0.8, "test"), (0.9999, "test")],
)
def test_the_part_follows_from_the_position(position, part):
    assert part_of(Placement("g", position)) == part


def test_a_changed_ratio_moves_only_what_lies_between_the_boundaries():
    positions = [(2 * n + 1) / 2000 for n in range(1000)]
    before = {p: part_of(Placement("g", p), train_share=0.8) for p in positions}
    after = {p: part_of(Placement("g", p), train_share=0.7) for p in positions}
    moved = {(before[p], after[p]): [] for p in positions if before[p] != after[p]}
    for p in positions:
        if before[p] != after[p]:
            moved[before[p], after[p]].append(p)
    assert set(moved) == {("develop", "train"), ("train", "test")}
    assert (min(moved["train", "test"]), max(moved["train", "test"])) == (0.7005, 0.7995)
    assert (min(moved["develop", "train"]), max(moved["develop", "train"])) == (0.0705, 0.0795)


def test_a_pinned_group_stays_where_it_was_put():
    assert part_of(Placement("g", 0.9, pinned="train")) == "train"


@pytest.mark.parametrize(("train_share", "develop_share"), [(0, 0.1), (1.1, 0.1), (0.8, 1), (0.8, -0.1), (80, 0.1)])
def test_an_impossible_ratio_is_refused(train_share, develop_share):
    with pytest.raises(ValueError, match="The train share must lie above 0"):
        part_of(TRAIN, train_share=train_share, develop_share=develop_share)
    with pytest.raises(ValueError, match="The train share must lie above 0"):
        assign([pair("a")], salt="s", train_share=train_share, develop_share=develop_share)


def test_no_test_part_and_no_develop_part_are_possible():
    pairs = [pair(str(n)) for n in range(50)]
    split = assign(pairs, salt="s", train_share=1, develop_share=0, links=[])
    assert split.counts() == {"train": 50, "develop": 0, "test": 0}


@pytest.mark.parametrize("salt", ["a", "b", "c", "d", "e"])
@pytest.mark.parametrize(("train_share", "expected"), [(0.8, (72, 8, 20)), (0.7, (63, 7, 30))])
def test_503_pairs_hit_the_ratio_within_two_points(salt, train_share, expected):
    pairs = [pair(str(n)) for n in range(503)]
    groups = [Link("source", (str(n), str(n + 1))) for n in range(0, 60, 2)]
    counts = assign(pairs, salt=salt, train_share=train_share, links=groups).counts()
    for part, percent in zip(("train", "develop", "test"), expected, strict=True):
        assert 100 * counts[part] / 503 == pytest.approx(percent, abs=2)


def test_the_salt_decides_who_goes_where():
    pairs = [pair(str(n)) for n in range(200)]
    one, other = (assign(pairs, salt=salt, links=[]).parts for salt in ("one", "other"))
    assert sum(one[p.id] != other[p.id] for p in pairs) > 30


def test_pairs_that_arrive_one_at_a_time_are_split_too():
    existing: dict = {}
    pairs = []
    for n in range(300):
        pairs.append(pair(str(n)))
        existing = assign(pairs, salt="s", existing=existing, links=[]).placements
    counts = assign(pairs, salt="s", existing=existing, links=[]).counts()
    assert counts["test"] == pytest.approx(60, abs=21), "three standard deviations"
    assert counts["develop"] > 5


# --- joining, bridging, conflicts


def test_a_new_pair_joins_the_group_it_resembles():
    split = assign([pair("old"), pair("new")], salt="s", existing={"old": TEST}, links=[Link("prompt", ("new", "old"))])
    assert split.placements == {"old": TEST, "new": TEST}
    assert parts(split) == {"old": "test", "new": "test"}


def test_a_new_pair_joins_through_other_new_pairs():
    chain = [Link("prompt", ("old", "n3")), Link("source", ("n3", "n1")), Link("source", ("n1", "n2"))]
    split = assign([pair(x) for x in ("old", "n1", "n2", "n3")], salt="s", existing={"old": TEST}, links=chain)
    assert set(split.parts.values()) == {"test"}


def test_a_pair_that_would_bridge_train_and_test_is_left_out_and_listed():
    existing = {"a": TRAIN, "b": TEST}
    links = [Link("prompt", ("a", "new")), Link("near response", ("b", "new"))]
    split = assign([pair("a"), pair("b"), pair("new")], salt="s", existing=existing, links=links)
    assert split.placements == existing, "nobody moves, and the bridge has no place"
    assert parts(split) == {"a": "train", "b": "test"}
    assert split.left_out == (LeftOut("new", ("prompt", "near response"), (("test", "b"), ("train", "a"))),)
    assert split.left_out[0].sentence == (
        "Left out, because it resembles b in test and a in train (the same question, nearly the same answer): "
        "change it, or take the other out."
    )


def test_of_a_chain_between_train_and_test_only_the_bridge_is_left_out():
    links = [Link("prompt", ("a", "n1")), Link("prompt", ("n1", "n2")), Link("prompt", ("n2", "b"))]
    existing = {"a": TRAIN, "b": TEST}
    split = assign([pair(x) for x in ("a", "b", "n1", "n2")], salt="s", existing=existing, links=links)
    assert parts(split) == {"a": "train", "b": "test", "n1": "train"}
    assert [left.id for left in split.left_out] == ["n2"]


def test_develop_is_a_part_of_its_own():
    links = [Link("prompt", ("a", "new")), Link("prompt", ("b", "new"))]
    split = assign([pair(x) for x in ("a", "b", "new")], salt="s", existing={"a": TRAIN, "b": DEVELOP}, links=links)
    assert [left.id for left in split.left_out] == ["new"]


def test_two_old_pairs_that_became_alike_do_not_move_and_the_one_of_train_is_left_out():
    existing = {"a": TRAIN, "b": TEST}
    split = assign([pair("a"), pair("b")], salt="s", existing=existing, links=[Link("near prompt", ("a", "b"))])
    assert split.placements == existing
    assert parts(split) == {"b": "test"}
    assert split.left_out == (LeftOut("a", ("near prompt",), (("test", "b"),), stands_in="train"),)
    assert "it resembles b in test although it stands in train" in split.left_out[0].sentence


def test_pairs_that_lost_their_bridge_form_a_group_of_their_own():
    links = [Link("prompt", ("a", "n1")), Link("prompt", ("b", "n1")), Link("prompt", ("n1", "n2"))]
    split = assign([pair(x) for x in ("a", "b", "n1", "n2")], salt="s", existing={"a": TRAIN, "b": TEST}, links=links)
    assert [left.id for left in split.left_out] == ["n1"]
    assert split.placements["n2"].group not in {"g-train", "g-test"}


def test_a_spent_test_group_takes_its_new_neighbours_to_train():
    spent = Placement("g-test", 0.9, pinned="train")
    split = assign([pair("a"), pair("n")], salt="s", existing={"a": spent}, links=[Link("prompt", ("a", "n"))])
    assert parts(split) == {"a": "train", "n": "train"}


def test_removed_pairs_and_unknown_members_do_not_matter():
    split = assign([pair("a")], salt="s", existing={"a": TRAIN, "gone": TEST}, links=[Link("prompt", ("a", "gone"))])
    assert split.placements == {"a": TRAIN}
    assert split.left_out == ()


def test_nothing_to_split():
    split = assign([], salt="s")
    assert (split.placements, split.parts, split.left_out) == ({}, {}, ())


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([pair("a"), pair("a")], {"salt": "s"}, "Two pairs have the same id"),
        ([pair("a")], {"salt": ""}, "salt"),
        (
            [pair("a"), pair("b")],
            {"salt": "s", "existing": {"a": Placement("g", 0.1), "b": Placement("g", 0.2)}},
            "The group g stands at two positions",
        ),
    ],
)
def test_contradictions_are_refused(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        assign(pairs, **options)


def chain(count: int) -> tuple[list[PairText], list[Link]]:
    pairs = [pair(f"{n:03}") for n in range(count)]
    return pairs, [Link("contained", (f"{n:03}", f"{n + 1:03}"), 0.9) for n in range(count - 1)]


def test_what_hangs_loosely_together_joins_while_the_group_is_small():
    pairs, links = chain(20)
    split = assign(pairs, salt="s", links=links)
    assert len({place.group for place in split.placements.values()}) == 1
    assert split.left_out == ()


def test_a_long_chain_is_cut_and_where_it_crosses_the_one_of_train_is_left_out_for_good():
    pairs, links = chain(500)
    split = assign(pairs, salt="s", links=links)
    assert max(Counter(place.group for place in split.placements.values()).values()) == 20
    assert crossing(split, links) == []
    assert 0 < len(split.left_out) < 20
    assert "test" not in {left.stands_in for left in split.left_out}
    assert split.counts()["test"] == pytest.approx(100, abs=20)
    assert len(split.placements) == 500, "who is left out keeps the place"
    again = assign(pairs, salt="s", links=links, existing=split.placements)
    assert again == split


def test_firm_links_join_whatever_the_size():
    pairs, links = chain(300)
    split = assign(pairs, salt="s", links=[Link("near prompt", link.members) for link in links])
    assert len({place.group for place in split.placements.values()}) == 1


# --- properties

LINKS = st.lists(st.sets(st.integers(0, 29), min_size=2, max_size=4), max_size=25)
SHARES = st.sampled_from([(0.8, 0.1), (0.7, 0.1), (0.5, 0.5), (0.95, 0.0)])


def board(numbers: list[set[int]]) -> tuple[list[PairText], list[Link]]:
    return [PairText(f"p{n:02}", "") for n in range(30)], [
        Link("prompt", tuple(f"p{n:02}" for n in sorted(link))) for link in numbers
    ]


def crossing(split, links) -> list:
    return [link for link in links if len({split.parts[m] for m in link.members if m in split.parts}) > 1]


@given(LINKS, SHARES, st.text(min_size=1, max_size=3))
@settings(deadline=None)
def test_no_group_and_no_link_ever_crosses(numbers, shares, salt):
    pairs, links = board(numbers)
    split = assign(pairs, salt=salt, links=links, train_share=shares[0], develop_share=shares[1])
    assert crossing(split, links) == []
    assert split.left_out == (), "a first assignment leaves nobody out"
    assert set(split.parts) == {p.id for p in pairs}
    for link in links:
        assert len({split.placements[m].group for m in link.members}) == 1
    assert all(0 <= place.position < 1 for place in split.placements.values())


@given(LINKS, LINKS, st.integers(0, 30), SHARES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_growth_moves_nobody_and_leaks_nothing(numbers, later, size, shares, shuffler: random.Random):
    pairs, links = board(numbers)
    shuffler.shuffle(pairs)
    ratio = {"train_share": shares[0], "develop_share": shares[1]}
    first = assign(pairs[:size], salt="s", links=links, **ratio)
    _, more = board(later)
    second = assign(pairs, salt="s", links=[*links, *more], existing=first.placements, **ratio)
    for old in first.placements:
        assert second.placements[old] == first.placements[old]
        assert second.parts.get(old, first.parts[old]) == first.parts[old]
    assert crossing(second, [*links, *more]) == []
    assert set(second.parts) | {left.id for left in second.left_out} == {p.id for p in pairs}
    assert not set(second.parts) & {left.id for left in second.left_out}


@given(LINKS, LINKS, st.integers(0, 30), SHARES)
@settings(deadline=None)
def test_the_same_pairs_are_split_the_same_again(firm, loose, size, shares):
    pairs, links = board(firm)
    links += [Link("contained", link.members, 0.8) for link in board(loose)[1]]
    ratio = {"train_share": shares[0], "develop_share": shares[1], "salt": "s", "links": links}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.split._GROUP_PAIRS", 3)
        first = assign(pairs[:size], **ratio)
        second = assign(pairs, existing=first.placements, **ratio)
        third = assign(pairs, existing=second.placements, **ratio)
    assert crossing(first, links) == crossing(second, links) == []
    assert assign(pairs[:size], existing=first.placements, **ratio) == first
    assert (third.placements, third.parts) == (second.placements, second.parts)
    assert {left.id for left in third.left_out} == {left.id for left in second.left_out}


@given(LINKS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_pairs_and_links_does_not_matter(numbers, shuffler: random.Random):
    pairs, links = board(numbers)
    existing = assign(pairs[:10], salt="s", links=links).placements
    one = assign(pairs, salt="s", links=links, existing=existing)
    shuffler.shuffle(pairs)
    shuffler.shuffle(links)
    other = assign(pairs, salt="s", links=links, existing=existing)
    assert (one.parts, one.placements) == (other.parts, other.placements)
    assert {left.id for left in one.left_out} == {left.id for left in other.left_out}


@given(LINKS)
@settings(deadline=None)
def test_a_new_ratio_leaks_nothing_either(numbers):
    pairs, links = board(numbers)
    existing = assign(pairs[:20], salt="s", links=links).placements
    existing = assign(pairs, salt="s", links=links, existing=existing).placements
    split = assign(pairs, salt="s", links=links, existing=existing, train_share=0.5)
    assert crossing(split, links) == []
    assert split.placements.items() >= existing.items()


# --- real data


def test_a_real_company_faq_is_split_as_asked():
    pairs = faq()
    split = assign(pairs, salt="demo")
    assert len(split.parts) == 503
    counts = split.counts()
    assert 100 * counts["test"] / 503 == pytest.approx(20, abs=2)
    assert 100 * counts["develop"] / 503 == pytest.approx(8, abs=2)
    assert crossing(split, find_links(pairs)) == []


def test_the_same_faq_as_a_classification_task_is_no_single_group():
    """Every prompt begins with the same forty words and the answers are a few labels: no reason to tie them."""
    template = (
        "You work for a construction company. Read the question that a customer asks and answer with the one category "
    )
    pairs = [
        PairText(
            p.id,
            template + "of the list to which it belongs, without any explanation: " + p.instruction,
            response="permits",
        )
        for p in faq()
    ]
    groups = {place.group for place in assign(pairs, salt="demo").placements.values()}
    assert len(groups) > 480


def test_pairs_that_no_link_names_stand_where_they_would_among_the_others():
    ids = [str(number) for number in range(1, 300)]
    links = [Link("prompt", (str(n), str(n + 1), str(n + 7))) for n in range(5, 280, 17)]
    links += [Link("meaning", (str(n), str(n + 3)), 0.9) for n in range(2, 290, 23)]
    linked = {member for link in links for member in link.members}
    alone = [name for name in ids if name not in linked]
    lone = Lone(alone, "x")
    assert len(lone) == len(alone) > 100
    together = assign([pair(name) for name in ids], salt="x", links=links)
    beside = assign([pair(name) for name in ids if name in linked], salt="x", links=links, lone=lone)
    placed = zip(alone, lone.names.tolist(), lone.positions.tolist(), strict=True)
    assert (
        beside.placements | {name: Placement(group.decode(), at) for name, group, at in placed} == together.placements
    )
    assert beside.parts == {name: part for name, part in together.parts.items() if name in linked}
    assert beside.left_out == together.left_out
