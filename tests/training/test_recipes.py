"""Every recipe: trained on a tiny corpus, saved, loaded and served by the app."""

import numpy as np
import pytest

from app import create_app
from ser.augmentation import find_augmentation
from ser.data.dataset import load_dataset
from ser.data.protocols import find_protocol
from ser.features import FEATURE_SETS
from ser.models.model_file import read_model_file
from ser.models.recipes import RECIPES, EstimatorRecipe, KerasRecipe, recipe_features
from tests.conftest import run_training

KERAS = [name for name, recipe in RECIPES.items() if isinstance(recipe, KerasRecipe)]
ESTIMATORS = [name for name, recipe in RECIPES.items() if isinstance(recipe, EstimatorRecipe)]

# One process trains all: TensorFlow takes seconds to start. Tracing a graph takes longer than an
# epoch, so only the largest network trains in a graph, and the others train eagerly.
_TRAIN = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import tensorflow as tf
from ser.data import hold_out_validation, load_dataset
from ser.models.recipes import RECIPES, KerasRecipe, recipe_features
from ser.training.train import save, train

corpus, out = map(Path, sys.argv[1:])
for recipe in RECIPES.values():
    tf.config.run_functions_eagerly(recipe.name != "conv1d-frames")
    if getattr(recipe, "steps_per_epoch", None):
        few = replace(recipe.augmentation, speeds={"ravdess": (1.0, 1.1)}, telephone={})
        recipe = replace(recipe, steps_per_epoch=2, members=2, augmentation=few)
    dataset = load_dataset([corpus], recipe_features(recipe)).for_recipe(recipe)
    everything = np.arange(len(dataset.utterances))
    rows, validation = hold_out_validation(dataset.utterances, everything, seed=0)
    epochs = 1 if isinstance(recipe, KerasRecipe) else None
    trained = train(recipe, dataset, rows, validation, seed=0, epochs=epochs)
    save(trained, out / (recipe.name + recipe.suffix), dataset, split="smoke")
"""


@pytest.fixture(scope="module")
def trained(tiny_corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run_training(_TRAIN, tiny_corpus, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_trained_and_served(trained, name, clip):
    recipe = RECIPES[name]
    path = trained / (name + recipe.suffix)
    meta = read_model_file(path).metadata
    assert (meta.recipe, meta.labels) == (name, recipe.labels)
    assert meta.licence == "RAVDESS: CC BY-NC-SA 4.0"
    assert set(meta.versions) >= {"librosa", "numpy"}
    app = create_app({"SER_MODEL": path})
    assert app.extensions["model"].wait(60)
    assert app.extensions["model"].error is None
    answer = app.test_client().post("/predict", data=clip, content_type="audio/wav").get_json()
    assert answer["model"]["name"] == name
    assert tuple(answer["probabilities"]) == recipe.labels
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", RECIPES)
def test_the_names_in_a_recipe_are_known(name):
    recipe = RECIPES[name]
    assert recipe.features in FEATURE_SETS
    assert len(recipe.labels) >= 2
    for augmentation in recipe.augmentations:
        find_augmentation(augmentation)
    if recipe.published:
        find_protocol(recipe.published.protocol)
        assert recipe.published.source
        assert recipe.published.accuracy or recipe.note


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_grid_has_only_parameters_of_the_estimator(name):
    from ser.models.sklearn_models import make_estimator

    recipe = RECIPES[name]
    model = make_estimator(recipe.estimator, recipe.params)
    assert set(recipe.grid) <= set(model.get_params())
    assert len(recipe.values) in (0, len(recipe.labels))


def test_every_recipe_names_its_source_or_is_ours():
    ours = {name for name, recipe in RECIPES.items() if not recipe.published}
    assert ours == {"conv1d-frames", "conv1d-actors"}


#: Parameters of the published networks, computed from the sizes of their layers.
SIZES = {"conv1d-mfcc40": 87_944, "conv1d-mfcc216": 445_578, "conv1d8-mfcc216-ten": 1_284_618}


@pytest.mark.parametrize("name", KERAS)
def test_the_networks_give_probabilities(name):
    recipe = RECIPES[name]
    model = recipe.build(recipe_features(recipe).shape, len(recipe.labels))
    assert model.output_shape == (None, len(recipe.labels))
    assert model.count_params() == SIZES.get(name, model.count_params())


def test_the_scaling_of_a_network_is_in_the_model_and_fitted_to_the_training_rows():
    import keras

    from ser.training.keras_training import scaled

    rng = np.random.default_rng(0)
    x = rng.uniform(-500, 30, (20, 5)).astype(np.float32)
    x[:, 2] = 7  # a constant feature
    inner = keras.Sequential([keras.Input((5,)), keras.layers.Identity()])
    for scaling, low, high in (("minmax", 0, 1), ("standard", -3, 3)):
        spread = keras.ops.convert_to_numpy(scaled(inner, x, scaling)(x))
        assert spread.min() >= low - 1e-4
        assert spread.max() <= high + 1e-4
        np.testing.assert_allclose(spread[:, 2], 0, atol=1e-4)
    np.testing.assert_allclose(spread.mean(axis=0), 0, atol=1e-4)


def test_a_recipe_takes_the_clips_of_its_sex_and_classes(tiny_corpus):
    recipe = RECIPES["conv1d8-mfcc216-male2"]
    dataset = load_dataset([tiny_corpus], FEATURE_SETS["mfcc40-mean"]).for_recipe(recipe)
    assert {u.sex for u in dataset.utterances} == {"male"}
    assert {u.emotion for u in dataset.utterances} == {"positive", "negative"}
    assert len(dataset.utterances) == 3 * 5
