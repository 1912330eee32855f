"""What a model file says of itself, and the scores that are added to it."""

import h5py
import numpy as np
import pytest

from ser.errors import ModelFileError
from ser.models import add_scores, read_model_file
from ser.resources import DEFAULT_MODEL
from tests import make_models as models


def test_the_metadata_of_the_shipped_model():
    model_file = read_model_file(DEFAULT_MODEL)
    assert DEFAULT_MODEL.stat().st_size < 5_000_000
    assert model_file.metadata.corpora == {
        "ased": 1237, "emodb": 454, "emovo": 588, "nemo": 2245, "ravdess": 1440, "tess": 1400,
        "turev": 1735,
    }  # fmt: skip
    scores = model_file.metadata.scores["corpora"]
    assert not scores["leaks"]
    assert {corpus: entry["n"] for corpus, entry in scores["by_corpus"].items()} == (
        model_file.metadata.corpora
    )
    card = (DEFAULT_MODEL.parent / "README.md").read_text()
    assert model_file.version in card


def test_scores_are_added_to_the_model_file(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    figures = {"recipe": "mine", "protocol": "actors5", "uar": 0.4, "leaks": True}
    add_scores(path, figures)
    add_scores(path, {**figures, "protocol": "loso", "uar": 0.3})
    assert [s["uar"] for s in read_model_file(path).metadata.scores.values()] == [0.4, 0.3]
    assert read_model_file(path).metadata.temperature == 1
    add_scores(path, {**figures, "leaks": False, "temperature": 1.3, "uncertain_below": 0.4})
    meta = read_model_file(path).metadata
    assert (meta.temperature, meta.uncertain_below) == (1.3, 0.4)


def test_scores_of_another_recipe_are_comparisons(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    add_scores(path, {"recipe": "other", "protocol": "loso", "uar": 0.2, "leaks": False})
    meta = read_model_file(path).metadata
    assert not meta.scores
    assert meta.temperature == 1
    assert meta.comparisons["other"]["loso"]["uar"] == 0.2
    models.write_keras2(path)
    with pytest.raises(ModelFileError, match="does not name its recipe"):
        add_scores(path, {"recipe": "other"})


def test_a_model_file_does_not_grow_when_metadata_is_replaced(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    figures = {"recipe": "mine", "protocol": "loso", "leaks": True, "notes": "n" * 100_000}
    add_scores(path, figures)
    with h5py.File(path) as file:
        before = {name: value[()] for name, value in _datasets(file)}
        attributes = dict(file.attrs)
    size = path.stat().st_size
    for _ in range(5):
        add_scores(path, figures)
    assert path.stat().st_size == size
    assert list(tmp_path.iterdir()) == [path]
    with h5py.File(path) as file:
        after = {name: value[()] for name, value in _datasets(file)}
        assert dict(file.attrs) == attributes
    assert before
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def _datasets(file):
    found = []
    file.visititems(
        lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None
    )
    return found
