"""What identifies a stored result: the recipe, and all code that changes its scores."""

import hashlib
import json
from dataclasses import fields

from ser.data.cache import code_digest, function_digest
from ser.models.recipes import KerasRecipe, Recipe

# The fields of a recipe that do not change its scores. The code of `build` does.
_NOT_SCORED = {"summary", "published", "grid", "selection", "note", "build"}
# The modules that change the scores.
_CODE = (
    "features/*.py", "augmentation/batches.py", "augmentation/spectrogram.py",
    "augmentation/recording.py", "augmentation/sampling.py", "augmentation/waveform.py",
    "augmentation/corruptions.py", "data/references.py", "data/augmented_rows.py",
    "data/corrupted_rows.py", "data/hold_out.py", "data/protocols.py", "data/splits.py",
    "data/corpus_splits.py", "evaluation/evaluate.py", "evaluation/window_search.py",
    "inference/reference.py", "inference/windowing.py", "models/sklearn_models.py",
    "models/calibration.py", "models/label_sets.py", "models/recipes/conv1d_frames.py",
    "training/keras_training.py", "training/train.py", "training/training_data.py",
)  # fmt: skip


def recipe_identity(recipe: Recipe) -> str:
    """Return a digest of a recipe, and of the code that its scores depend on."""
    facts = {
        field.name: repr(getattr(recipe, field.name))
        for field in fields(recipe)
        if field.name not in _NOT_SCORED
    }
    if isinstance(recipe, KerasRecipe):
        facts["build"] = function_digest(recipe.build)
    parts = [facts, code_digest(*_CODE)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
