"""Tables hold the extracted features in every format."""

import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import CORPORA, scan
from ser.data.dataset import load_dataset
from ser.data.extraction import Chunk, extract
from ser.data.feature_tables import COLUMNS, new_table
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.labels import EMOTIONS
from tests.conftest import write_corpus

MEAN, FRAMES = FEATURE_SETS["mfcc40-mean"], FEATURE_SETS["mfcc40-frames"]


@pytest.fixture(scope="module", params=[MEAN, FRAMES], ids=lambda f: f.name)
def written(request, tiny_corpus, tmp_path_factory):
    """Return the folder of three tables of a corpus, the feature set and the dataset."""
    folder = tmp_path_factory.mktemp("tables")
    dataset = load_dataset([tiny_corpus], request.param)
    for suffix in ("csv", "parquet", "npz"):
        with new_table(folder / f"t.{suffix}", request.param) as table:
            for chunk in extract(dataset.utterances, request.param):
                table.write(chunk)
    assert sorted(p.name for p in folder.iterdir()) == ["t.csv", "t.npz", "t.parquet"]
    return folder, request.param, dataset


def test_csv(written):
    folder, _, dataset = written
    with (folder / "t.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    flat = dataset.features.reshape(len(dataset.features), -1)
    assert header == [*COLUMNS, *(f"f{i}" for i in range(flat.shape[1]))]
    values = np.array([row[len(COLUMNS) :] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(values, flat)
    for row, utterance in zip(rows, dataset.utterances, strict=True):
        assert row[:3] == [str(utterance.path), utterance.corpus, utterance.speaker]
        assert row[4] == utterance.emotion


@pytest.mark.parametrize("out", ["t.csv", "tables/t.csv", "link/t.csv", "../t.csv"])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_csv_is_a_list_of_clips_in_any_folder(tmp_path, monkeypatch, out, absolute):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    write_corpus(here / "corpus", speakers=(1,), emotions=(3, 4))
    (here / "corpus" / "Actor_01").rename(here / "corpus" / "caf\udce9 \\ x")
    (tmp_path / "deep" / "folder").mkdir(parents=True)
    (here / "link").symlink_to(tmp_path / "deep" / "folder")
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    found = scan([here / "corpus" if absolute else Path("corpus")], CORPORA).utterances
    with new_table(Path(out), MEAN) as table:
        for chunk in extract(found, MEAN):
            table.write(chunk)
    monkeypatch.chdir(elsewhere)
    again = scan([here / out], CORPORA).utterances
    assert len(again) == 2
    assert [u.path.resolve() for u in again] == [(here / u.path).resolve() for u in found]
    assert [u.emotion for u in again] == [u.emotion for u in found]


def test_parquet(written):
    from pyarrow import parquet

    folder, features, dataset = written
    table = parquet.read_table(folder / "t.parquet")
    shape = tuple(map(int, table.schema.metadata[b"shape"].decode().split(",")))
    assert shape == features.shape
    values = np.array(table["features"].combine_chunks().flatten())
    np.testing.assert_array_equal(values.reshape(-1, *shape), dataset.features)
    assert table["emotion"].to_pylist() == [u.emotion for u in dataset.utterances]
    assert parquet.ParquetFile(folder / "t.parquet").num_row_groups == 2


def test_npz_is_loaded_as_a_dataset(written):
    folder, features, dataset = written
    again = load_dataset([folder / "t.npz"], features)
    np.testing.assert_array_equal(again.features, dataset.features)
    assert [u.emotion for u in again.utterances] == [u.emotion for u in dataset.utterances]
    with np.load(folder / "t.npz", allow_pickle=False) as file:
        assert file["speaker"].tolist() == [u.speaker for u in dataset.utterances]
        assert [EMOTIONS[label] for label in file["y"]] == file["emotion"].tolist()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_a_table_without_clips(tmp_path, suffix):
    with new_table(tmp_path / f"t.{suffix}", MEAN) as table:
        table.write(Chunk(np.empty((0, *MEAN.shape), np.float32), (), ()))
    assert (tmp_path / f"t.{suffix}").is_file()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_a_failure_keeps_the_old_table(tmp_path, suffix, tiny_corpus):
    path = tmp_path / f"t.{suffix}"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), new_table(path, MEAN):
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"


@pytest.mark.parametrize("suffix", ["parquet", "npz"])
def test_memory_does_not_grow_with_the_number_of_chunks(tmp_path, suffix, tiny_corpus):
    utterance = load_dataset([tiny_corpus], MEAN).utterances[0]
    chunk = Chunk(np.ones((32, *FRAMES.shape), np.float32), (utterance,) * 32, ())

    def peak(n):
        tracemalloc.start()
        with new_table(tmp_path / f"t.{suffix}", FRAMES) as table:
            for _ in range(n):
                table.write(chunk)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)
    assert peak(40) < peak(1) + 8e6  # of 53 MB


def test_unknown_format(tmp_path):
    with pytest.raises(UsageError, match=r"unknown table format '\.xlsx'; known: \.csv"):
        new_table(tmp_path / "t.xlsx", MEAN).__enter__()
