"""`ser train --from`: a trained model goes on with a few clips of one's own."""

import subprocess
import sys

import numpy as np
import pytest

from ser.inference.predictor import Predictor
from ser.models.model_file import read_model_file
from tests import synth
from tests.conftest import ROOT, training_environment


def train(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "train.py", *map(str, arguments)],
        env=training_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


PITCHES = {"happy": 180, "sad": 120, "angry": 320}
CODES = {"happy": "03", "sad": "04", "angry": "05"}


def write_actor(folder, actor, emotions=PITCHES, takes=4):
    """Write clips of an actor of RAVDESS; `emotions` gives the pitch of each."""
    (folder / f"Actor_{actor:02}").mkdir(parents=True)
    for emotion, pitch in emotions.items():
        for take in range(takes):
            samples = synth.voice(0.6, pitch=pitch + 2 * actor + take, seed=10 * actor + take)
            which = f"{take // 2 + 1:02}-{take % 2 + 1:02}"  # statement and repetition
            name = f"03-01-{CODES[emotion]}-01-{which}-{actor:02}.wav"
            (folder / f"Actor_{actor:02}" / name).write_bytes(synth.wav(samples))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Return a model that tells three pitches apart."""
    folder = tmp_path_factory.mktemp("start")
    for actor in range(1, 7):
        write_actor(folder / "ravdess", actor)
    options = ("--data", folder / "ravdess", "--epochs", 150, "--report", folder / "report")
    done = train("conv1d-mfcc40", *options, "--emotions", ",".join(PITCHES),
                 "--out", folder / "start.h5")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "start.h5"


def write_clips(folder, pitches, clips=6):
    for emotion, pitch in pitches.items():
        (folder / emotion).mkdir(parents=True)
        for n in range(clips):
            samples = synth.voice(0.6, pitch=pitch + n, seed=n)
            (folder / emotion / f"take {n}.wav").write_bytes(synth.wav(samples))
    return folder


@pytest.mark.slow
def test_a_few_clips_of_other_emotions_make_a_model_for_them(start, tmp_path):
    pitches = {"boredom": 80, "happy": 180, "angry": 320}
    clips = write_clips(tmp_path / "mine", pitches)
    out = tmp_path / "mine.h5"
    done = train("conv1d-mfcc40", "--from", start, "--data", clips, "--out", out,
                 "--report", tmp_path / "report")  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, after = (float(w.strip("%,")) for w in done.stdout.splitlines()[0].split()[-3::2])
    # The start model knows no boredom, so it is right in two thirds at most.
    assert before <= 100 * 2 / 3 + 0.1
    assert after > 90
    meta = read_model_file(out).metadata
    assert set(meta.labels) == set(pitches)
    assert (meta.corpora["ravdess"], meta.corpora["custom"]) == (72, 18)
    assert meta.licence == "RAVDESS: CC BY-NC-SA 4.0; custom: your own"
    assert read_model_file(start).version in meta.split
    # 18 clips are too few to fit confidences on.
    assert meta.split.endswith("on every clip; confidences as there")
    begun = read_model_file(start).metadata
    assert (meta.temperature, meta.uncertain_below) == (begun.temperature, begun.uncertain_below)
    predictor = Predictor.from_file(out)
    for emotion, pitch in pitches.items():
        clip = synth.wav(synth.voice(0.6, pitch=pitch + 2.5, seed=99))
        assert predictor.predict(clip).emotion == emotion


@pytest.mark.slow
def test_a_model_that_got_worse_is_not_written_without_being_asked_for(start, tmp_path):
    """One speaker is labelled wrongly, so whoever learns from one fails on the other."""
    corpus = tmp_path / "ravdess"
    write_actor(corpus, 1)
    happy, sad, angry = PITCHES.values()
    write_actor(corpus, 2, {"happy": sad, "sad": angry, "angry": happy})
    out = tmp_path / "mine.h5"
    command = ("conv1d-mfcc40", "--from", start, "--data", corpus, "--out", out,
               "--report", tmp_path / "report")  # fmt: skip
    done = train(*command)
    assert done.returncode == 1, done.stdout
    assert "speakers held out: before" in done.stdout
    assert "is not written" in done.stderr
    assert not out.exists()
    assert train(*command, "--even-if-worse").returncode == 0
    meta = read_model_file(out).metadata
    assert set(meta.labels) == {"happy", "sad", "angry"}
    assert meta.split.endswith("confidences fitted on speakers held out")  # 24 clips


@pytest.mark.slow
def test_what_cannot_be_fine_tuned_is_said(start, tmp_path):
    clips = write_clips(tmp_path / "mine", {"happy": 180, "angry": 320}, clips=1)
    out = tmp_path / "mine.h5"
    rest = ("--from", start, "--data", clips, "--out", out)
    done = train("conv1d-mfcc40", *rest)
    assert (done.returncode, "too few of angry, happy" in done.stderr) == (2, True)
    done = train("lstm-mfcc40", *rest)
    assert done.returncode == 2
    assert "is of recipe 'conv1d-mfcc40', not 'lstm-mfcc40'" in done.stderr
    done = train("svc-180", *rest[:-1], tmp_path / "mine.skops")
    assert (done.returncode, "is no network" in done.stderr) == (2, True)
    for options in (("--epochs", 3), ()):
        done = train("conv1d-mfcc40", *rest[2 * (not options) :], *options, "--even-if-worse")
        assert done.returncode == 2


def test_the_networks_keep_what_they_know_of_the_labels_that_stay():
    import keras

    from ser.training.network_tuning import with_labels

    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    inputs = keras.Input((4,))
    scaled = keras.Model(inputs, inner(keras.layers.Rescaling(0.5)(inputs)))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    for model in (inner, scaled):
        if model is inner:
            model = keras.Model(model.inputs[0], model.outputs[0])
        changed = with_labels(model, ("a", "b", "c"), ("c", "a", "d"))
        old, new = (np.log(keras.ops.convert_to_numpy(m(x))) for m in (model, changed))
        # The odds of a against c are the same; d is new.
        np.testing.assert_allclose(new[:, 1] - new[:, 0], old[:, 0] - old[:, 2], atol=1e-5)
    same = with_labels(scaled, ("a", "b", "c"), ("a", "b", "c"))
    np.testing.assert_allclose(scaled(x), same(x), atol=1e-6)
