"""Loading of extracted tables, with their speakers, and of published matrices, without."""

from dataclasses import replace

import numpy as np
import pytest

from ser.data.dataset import load_dataset
from ser.data.extraction import extract
from ser.data.feature_tables import COLUMNS, new_table
from ser.data.protocols import PROTOCOLS
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.labels import EMOTIONS
from ser.models.label_sets import find_label_set
from tests import synth

MEAN = FEATURE_SETS["mfcc40-mean"]
SPEAKERS = {"03": "male", "08": "female", "10": "male"}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """Return the dataset of a tiny EMO-DB and a song, and the table extracted from it."""
    folder = tmp_path_factory.mktemp("emodb")
    names = [f"{speaker}a01{letter}a.wav" for speaker in SPEAKERS for letter in "LFT"]
    for seed, name in enumerate([*names, "03-02-03-01-01-01-07.wav"]):
        (folder / name).write_bytes(synth.wav(synth.voice(0.5, pitch=90 + 9 * seed, seed=seed)))
    clips = load_dataset([folder], MEAN)
    table = folder / "t.npz"
    with new_table(table, MEAN) as file:
        for chunk in extract(clips.utterances, MEAN):
            file.write(chunk)
    return clips, table


def test_a_table_keeps_all_facts_of_a_clip(extracted):
    clips, table = extracted
    again = load_dataset([table], MEAN)
    np.testing.assert_array_equal(again.features, clips.features)
    expected = [replace(u, take=str(u.path)) for u in clips.utterances]
    assert list(again.utterances) == expected
    assert again.notes == ("10 rows of t.npz, of 4 speakers",)
    assert {u.emotion for u in again.utterances} >= {"boredom"}
    assert [u.channel for u in again.utterances].count("song") == 1


def test_a_table_can_be_split_by_speaker(extracted):
    _, table = extracted
    data = load_dataset([table], MEAN).for_label_set(find_label_set("boredom,happy,sad"))
    data = data.select([i for i, u in enumerate(data.utterances) if u.corpus == "emodb"])
    splits = PROTOCOLS["loso"].splits(data.utterances, 0)
    assert [split.name for split in splits] == [f"emodb-{s}" for s in SPEAKERS]
    for split in splits:
        voices = [{data.utterances[i].speaker for i in rows} for rows in (split.train, split.test)]
        assert voices[1] == {split.name}
        assert not voices[0] & voices[1]


def columns(n=2, **changes):
    known = {column: np.array(["x"] * n) for column in COLUMNS}
    known |= {"emotion": np.array(["sad"] * n), "sex": np.array([""] * n)}
    return {"X": np.zeros((n, 40), np.float32), "y": np.zeros(n, int)} | known | changes


def test_a_published_matrix(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, X=np.ones((8, 40)), y=np.arange(8))
    data = load_dataset([path], MEAN)
    assert data.features.shape == (8, 40, 1)
    assert [u.emotion for u in data.utterances] == list(EMOTIONS)
    assert {(u.speaker, u.corpus) for u in data.utterances} == {("", "m")}
    assert data.notes == ("8 rows of m.npz, without speakers",)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.zeros((2, 40))}, "not an .npz file with X and y"),
        (columns(X=np.zeros((2, 39))), r"rows of shape \(39,\), but mfcc40-mean has \(40, 1\)"),
        (columns(X=np.zeros((3, 40))), "3 rows of X, but 2 labels"),
        (columns(speaker=np.array(["x"])), "its columns differ in length"),
        (columns(emotion=np.array(["sad", "amused"])), r"unknown emotions \['amused'\]"),
        (columns(sex=np.array(["male", "m"])), r"unknown sexes \['m'\]"),
        ({"X": np.zeros((2, 40)), "y": np.array([0, -1])}, "one label from 0 to 7 for each row"),
        ({"X": np.zeros((2, 40)), "y": np.array([0.0, 1.5])}, "one label from 0 to 7 for each row"),
        ({"X": np.zeros((0, 40)), "y": np.array([], int)}, "no rows"),
    ],
)
def test_an_invalid_matrix(arrays, words, tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, **arrays)
    with pytest.raises(UsageError, match=words) as caught:
        load_dataset([path], MEAN)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"text", b"PK\3\4 cut off", b"\x93NUMPY"])
def test_a_file_that_is_not_a_matrix(content, tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"not an \.npz file"):
        load_dataset([path], MEAN)
