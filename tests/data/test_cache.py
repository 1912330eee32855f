"""The cache compares files by their content."""

from pathlib import Path

import numpy as np
import pytest

from ser.data import cache
from ser.data.cache import cache_folder, cached, function_digest
from ser.data.dataset import load_dataset
from ser.features import FEATURE_SETS
from tests.conftest import write_corpus


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_computed_once_for_the_same_content_and_parameters(tmp_path, own_cache):
    calls = []

    def compute():
        calls.append(1)
        return {"x": np.arange(len(calls))}

    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"one")
    b.write_bytes(b"one")
    assert cache_folder() == own_cache
    for path in (a, a, b):  # the same content under another name
        np.testing.assert_array_equal(cached("t", [path], {"n": 1}, compute)["x"], [0])
    assert len(calls) == 1
    cached("t", [a], {"n": 2}, compute)
    b.write_bytes(b"two")
    cached("t", [b], {"n": 1}, compute)
    assert len(calls) == 3
    assert not list(own_cache.glob("*.partial"))


def test_a_changed_clip_is_extracted_again(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", speakers=(1, 2), emotions=(1, 2))
    features = FEATURE_SETS["mfcc40-mean"]
    before = load_dataset([corpus], features)
    seen = []
    again = load_dataset([corpus], features, progress=lambda u: seen.append(1) or u)
    np.testing.assert_array_equal(before.features, again.features)
    assert not seen
    first, second = before.utterances[:2]
    first.path.write_bytes(second.path.read_bytes())
    after = load_dataset([corpus], features)
    np.testing.assert_array_equal(after.features[0], before.features[1])


def test_an_unreadable_clip_is_left_out_and_named(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", speakers=(1, 2), emotions=(1, 2))
    broken = next(corpus.rglob("*.wav"))
    broken.write_bytes(b"RIFF nothing")
    for _ in range(2):  # computed, and from the cache
        dataset = load_dataset([corpus], FEATURE_SETS["mfcc40-mean"])
        assert len(dataset.utterances) == len(dataset.features) == 3
        assert any(str(broken) in note for note in dataset.notes)


def test_changed_code_computes_again(tmp_path, own_cache, monkeypatch):
    calls = []
    for code in ("a", "a", "b"):
        monkeypatch.setattr(cache, "code_digest", lambda *_, code=code: code)
        cached("t", [], {}, lambda: {"x": np.array(calls.append(1) or 0)})
    assert len(calls) == 2


def test_the_digest_of_code_ignores_comments(tmp_path, monkeypatch):
    (tmp_path / "features").mkdir()
    module = tmp_path / "features" / "mel.py"

    def digest(text):
        module.write_text(text)
        return cache.code_digest.__wrapped__("features/*.py")

    assert (Path(cache.__file__).parents[1] / "features" / "mel.py").is_file()
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "data" / "cache.py"))
    assert digest("x = 1") == digest("x = 1  # one")
    assert digest("x = 1") != digest("x = 2")
    with pytest.raises(ValueError, match=r"no module of .* matches moved/\*\.py"):
        cache.code_digest.__wrapped__("features/*.py", "moved/*.py")


_SIZE = 3


def _inner():
    return _SIZE


def _outer():
    return _inner()


def test_the_digest_of_a_function_covers_the_names_it_uses(monkeypatch):
    before = function_digest(_outer)
    assert function_digest(_outer) == before
    assert function_digest(_inner) != before
    monkeypatch.setitem(globals(), "_SIZE", 4)
    assert function_digest(_outer) != before
