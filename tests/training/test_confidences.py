"""Confidences are fitted only on clips that say enough: a few would make every answer sure."""

import pytest

from ser.models.model_file import read_model_file
from ser.recognizer import EmotionRecognizer
from ser.training.confidences import LEAST_CLIPS, why_not_fitted
from tests.cli.test_scripts import run
from tests.training.test_fine_tuning import PITCHES, write_clips


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        ([], "there are 0 clips to fit them on, and 20 are needed"),
        (["sad"], "there is 1 clip to fit them on, and 20 are needed"),
        (["sad", "happy"] * (LEAST_CLIPS // 2 - 1), "there are 18 clips to fit them on"),
        (["sad"] * LEAST_CLIPS, "all clips to fit them on are sad"),
        (["sad", "happy"] * (LEAST_CLIPS // 2), ""),
    ],
)
def test_how_many_clips_are_enough(held_out, words):
    reason = why_not_fitted(held_out, {"angry", "happy", "sad"})
    assert reason.startswith(words)
    assert bool(reason) == bool(words)


def test_clips_of_one_emotion_are_enough_where_there_is_no_other():
    assert why_not_fitted(["sad"] * LEAST_CLIPS, {"sad"}) == ""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Return a folder of 18 clips of unknown speakers, of which one would be held out."""
    return write_clips(tmp_path_factory.mktemp("clips"), PITCHES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "out", "split"),
    [
        ("svc-mfcc40", "m.skops", "trained on every clip"),
        ("conv1d-mfcc40", "m.h5", "epoch 1 was chosen on 1 clip at random"),
    ],
)
def test_a_few_clips_of_unknown_speakers(clips, tmp_path, recipe, out, split):
    options = ("--out", tmp_path / out, "--report", tmp_path / "report")
    epochs = ("--epochs", 1) if out == "m.h5" else ()
    done = run(
        "train.py", recipe, "--data", clips, "--emotions", ",".join(PITCHES), *options, *epochs
    )
    assert done.returncode == 0, done.stderr
    assert "confidences are not fitted: there is 1 clip to fit them on" in done.stderr
    meta = read_model_file(tmp_path / out).metadata
    assert (meta.split, meta.temperature, meta.uncertain_below) == (split, 1, 0)


def test_the_library_fits_none_either(clips, tmp_path):
    own = EmotionRecognizer("svc-mfcc40", emotions=list(PITCHES), custom_db=True, data=clips)
    with pytest.warns(UserWarning, match="confidences are not fitted: there is 1 clip to fit"):
        own.train()
    own.save(tmp_path / "m.skops")
    assert read_model_file(tmp_path / "m.skops").metadata.temperature == 1
