"""Clips of corpora under the names of other people: the same corpus, speaker and take."""

import time
from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import CORPORA, Utterance, scan
from ser.data import find_protocol
from ser.labels import EMOTIONS

# A published name of each corpus, in a published folder where the name needs one.
PUBLISHED = {
    "ravdess": "Actor_10/03-01-05-01-02-01-10.wav",
    "tess": "OAF_angry/OAF_back_angry.wav",
    "cremad": "AudioWAV/1001_DFA_ANG_XX.wav",
    "savee": "DC/DC_sa01.wav",
    "emodb": "wav/03a01Fa.wav",
    "emovo": "m3/gio-m3-l4.wav",
    "nemo": "samples/EB0_anger_10.wav",
    "ased": "05Angry/a5-07-02-02-65.wav",
    "turev": "Angry/7895_kz_isirgan.wav",
}
CHANGES = [
    "{}_angry", "{}_happy", "{} (1)", "{}(2)", "{} - Copy", "{} - Copy (3)", "{} copy", "{}_copy",
    "{} - Kopie", "Copy of {}", "{}.mp4", "{}.wav", "{}_noise", "{}-2", "cleaned_{}", "001_{}",
    "mine {} loud", "[{}]",
]  # fmt: skip


def parses(path: Path):
    return [corpus.parse(path) for corpus in CORPORA.values() if not corpus.fallback]


def facts(utterance: Utterance) -> tuple[str, ...]:
    return tuple(value for name, value in vars(utterance).items() if name != "path")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", PUBLISHED.values(), ids=PUBLISHED)
def test_a_changed_name_is_the_same_take(name, change):
    published = Path(name)
    renamed = published.with_name(f"{change.format(published.stem)}.wav")
    (expected,) = filter(None, parses(published))
    (found,) = filter(None, parses(renamed))
    assert facts(found) == facts(expected)


@pytest.mark.parametrize("folder", ["DC", "x/DC"])
@pytest.mark.parametrize("stem", ["sa01", "sa01 (1)", "sa01_sad", "sa01 - Copy"])
def test_a_clip_of_savee_that_its_folder_names(folder, stem):
    (expected,) = filter(None, parses(Path("DC_sa01.wav")))
    (found,) = filter(None, parses(Path(folder, f"{stem}.wav")))
    assert facts(found) == facts(expected)
    assert not any(parses(Path("XX", f"{stem}.wav")))


@pytest.mark.parametrize(
    ("stem", "published"),
    [
        ("10_01_01_01_dogs-sitting_angry", "03-01-05-01-02-01-10"),
        ("10_01_02_02_kids-talking_ps", "03-01-08-02-01-02-10"),
        ("16_02_01_02_kids-talking_fear", "03-02-06-01-01-02-16"),
        ("cleaned_01_01_01_01_dogs-sitting_neutral (1)", "03-01-01-01-02-01-01"),
    ],
)
def test_a_name_of_ravdess_in_words(stem, published):
    """Take the names of x4nth055/emotion-recognition-using-speech.

    That the second field is the channel shows in the files: 02 has no disgust and no surprise, and
    none of actor 18, as the songs. The third is 01 only where it is neutral: the intensity.
    """
    (expected,) = filter(None, parses(Path(f"{published}.wav")))
    (found,) = filter(None, parses(Path(f"{stem}.wav")))
    assert facts(found) == facts(expected)


def test_actresses_of_tess_who_are_numbers():
    (one,) = filter(None, parses(Path("Actor_25/25_01_01_01_back_angry.wav")))
    (other,) = filter(None, parses(Path("Actor_26/26_01_01_01_back_ps (1).wav")))
    assert (one.corpus, one.speaker, one.emotion, one.sex) == ("tess", "tess-25", "angry", "female")
    assert (other.speaker, other.emotion, other.statement) == ("tess-26", "surprise", "back")
    assert one.take != other.take


# As two popular data sets of Kaggle are unpacked: each tree is there twice.
KAGGLE = (
    "Actor_01/03-01-05-01-02-01-01.wav",
    "audio_speech_actors_01-24/Actor_01/03-01-05-01-02-01-01.wav",
    "TESS Toronto emotional speech set data/OAF_Fear/OAF_back_fear.wav",
    "TESS Toronto emotional speech set data/TESS Toronto emotional speech set data/OAF_Fear/"
    "OAF_back_fear.wav",
)


def test_the_trees_of_kaggle_count_once(tmp_path):
    touch(tmp_path, *KAGGLE)
    found = scan([tmp_path], CORPORA)
    assert {u.speaker for u in found.utterances} == {"ravdess-01", "tess-OAF"}
    assert (len(found.utterances), len(found.copies)) == (2, 2)
    assert "2 copies left out" in found.summary()


def test_two_trees_with_different_names_count_once(tmp_path):
    published = [f"03-01-{n:02}-01-02-01-{a:02}" for n in range(1, 9) for a in range(1, 25)]
    touch(tmp_path, *(f"plain/Actor_{name[-2:]}/{name}.wav" for name in published))
    touch(tmp_path, *(f"mine/{EMOTIONS[int(n[6:8]) - 1]}/{n}_x.wav" for n in published))
    touch(tmp_path, *(f"copies/{name} (1).flac" for name in published))
    found = scan([tmp_path / name for name in ("mine", "plain", "copies")], CORPORA)
    assert Counter(u.corpus for u in found.utterances) == {"ravdess": 192}
    assert len({u.speaker for u in found.utterances}) == 24
    assert len(found.copies) == 2 * 192
    assert {u.path.parent.name: u.emotion for u in found.utterances} == {e: e for e in EMOTIONS}
    assert found.summary() == "192 ravdess, 384 copies left out"


def test_actor_folds_are_those_of_the_published_names(tmp_path):
    published = [f"03-01-{n:02}-01-02-01-{a:02}" for a in range(1, 25) for n in range(1, 9)]
    touch(tmp_path, *(f"plain/{name}.wav" for name in published))
    touch(tmp_path, *(f"mine/{name}_{EMOTIONS[int(name[6:8]) - 1]}.wav" for name in published))
    plain, renamed = (
        find_protocol("actors5").splits(scan([tmp_path / name], CORPORA).utterances, 0)
        for name in ("plain", "mine")
    )
    assert len(renamed) == 5
    for one, other in zip(plain, renamed, strict=True):
        assert one.test.tolist() == other.test.tolist() != []
        assert one.validation.tolist() == other.validation.tolist()


def test_a_name_of_a_corpus_counts_more_than_the_folder(tmp_path):
    touch(tmp_path, "happy/03-01-05-01-02-01-10_take2.wav", "happy/tea.wav")
    found = {u.corpus: (u.emotion, u.speaker) for u in scan([tmp_path], CORPORA).utterances}
    assert found == {"ravdess": ("angry", "ravdess-10"), "custom": ("happy", "")}


@pytest.mark.parametrize("corpus", ["emodb", "emovo", "nemo", "ased", "turev", "ravdess", "tess"])
def test_real_names_and_their_copies(real_data, corpus):
    if not (real_data / corpus).is_dir():
        pytest.skip(f"no real speech at {real_data / corpus}")
    for found in scan([real_data / corpus], CORPORA).utterances:
        renamed = found.path.with_name(f"{found.path.stem}_{found.emotion} (1).wav")
        (again,) = filter(None, parses(renamed))
        assert facts(again) == facts(found), renamed


def test_a_name_is_parsed_in_microseconds():
    names = [f"an own clip {i:05}_of-a-longer name_happy.wav" for i in range(200)]
    names += [f"call {10**99 + i} (1) - copy (2) {' ' * 50}.wav" for i in range(200)]
    paths = [Path("Actor_01", name) for name in names]
    start = time.process_time()
    for path in paths:
        assert not any(parses(path))
        CORPORA["custom"].parse(path)
    assert (time.process_time() - start) / len(paths) < 1e-3


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
