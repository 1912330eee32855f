"""A short, seeded run of what `python -m tests.fuzz` does at length."""

import numpy as np

from tests.fuzz import SEEDS, fuzz, mutate


def test_mutations_are_many_and_seeded():
    made = [mutate(np.random.default_rng(seed)) for seed in range(200)]
    assert made[7] == mutate(np.random.default_rng(7))
    assert {extension for extension, _ in made} == set(SEEDS)
    assert len({data for _, data in made}) == 200


def test_mutated_files_get_the_answers_of_the_table():
    found = fuzz(150, seed=1)
    assert found["crashes"] == found["over_the_limit"] == found["files_left"] == 0, found
    assert found["other_answers"] == []
    assert found["answers"]["ok"] > 20
    assert found["answers"]["damaged"] + found["answers"]["unsupported_media"] > 20
