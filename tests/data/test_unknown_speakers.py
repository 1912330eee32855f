"""Warnings where a voice can be on both sides of a split."""

from pathlib import Path

import pytest

from ser.corpora import Utterance
from ser.data.protocols import find_protocol
from ser.data.unknown_speakers import warn_of_protocol, warn_of_split

KNOWN = [f"x-{n}" for n in range(6)]


def clips(speakers, corpus="custom"):
    return [
        Utterance(path=Path(f"{i}.wav"), emotion="sad", speaker=speaker, corpus=corpus)
        for i, speaker in enumerate(speakers)
    ]


def warn(speakers, protocol, data=("mine",)):
    data = [Path(path) for path in data]
    return warn_of_protocol(clips(speakers), find_protocol(protocol), recipe="svc-180", data=data)


INDEPENDENT = ["actors5", "actors6", "last-actors", "loso", "sex:male", "corpora", "matrix",
               "corpus:custom", "cross:ravdess>custom"]  # fmt: skip


@pytest.mark.parametrize("protocol", INDEPENDENT)
def test_a_protocol_of_unseen_speakers_warns_and_says_what_to_do(protocol):
    (line,) = warn([*KNOWN, "", ""], protocol, data=["my clips", "more"])
    assert line.startswith("warning: the speakers of 2 of 8 clips (2 custom) are not known")
    assert "in the training and in the test" in line
    extract = "ser extract --data 'my clips' more --features mfcc40-mean --out clips.csv"
    assert f"`{extract}`" in line
    assert "`ser evaluate svc-180 --data 'my clips' more --protocol speakers:5`" in line


@pytest.mark.parametrize("protocol", [*INDEPENDENT, "speakers:2", "published", "random:30"])
def test_nothing_is_said_where_all_speakers_are_known(protocol):
    assert warn(KNOWN, protocol) == []


@pytest.mark.parametrize("protocol", ["published", "random:30"])
def test_nothing_is_said_where_the_protocol_says_that_it_leaks(protocol):
    assert warn(["", *KNOWN], protocol) == []


def test_a_protocol_without_the_unknown_says_how_many_are_left_out():
    assert warn(["", *KNOWN], "speakers:3") == [
        "1 of 7 clips (1 custom) are left out, because their speakers are not known"
    ]


@pytest.mark.parametrize(("n", "proposed"), [(2, None), (3, "speakers:3"), (9, "speakers:5")])
def test_folds_of_speakers_are_proposed_where_they_can_be_made(n, proposed):
    (line,) = warn(["", *(f"x-{i}" for i in range(n))], "loso")
    assert ("--protocol" in line) == (proposed is not None)
    assert line.endswith(f"{proposed}`." if proposed else "give `--data clips.csv`.")


@pytest.mark.parametrize(
    ("data", "way_out"),
    [
        (["mine.csv"], "fill in the column speaker of mine.csv."),
        (["a.csv", "b.TSV"], "fill in the column speaker of a.csv b.TSV."),
        (["a.csv", "mine"], "`ser extract --data a.csv mine --features"),
        (["matrix.npz"], "the figure may be too high."),
    ],
)
def test_the_way_out_fits_the_data(data, way_out):
    parts = "the training", "the validation"
    (line,) = warn_of_split(clips(["", "x"]), parts, data=[Path(path) for path in data])
    assert "in the training and in the validation" in line
    assert way_out in line
    assert ("ser extract" in line) == ("ser extract" in way_out)


@pytest.mark.parametrize("protocol", ["actors5", "speakers:2"])
def test_two_namings_of_tess_are_the_same_voices(protocol):
    assert warn(["tess-25", "tess-26", "x"], protocol) == []
    (line,) = warn(["tess-25", "tess-OAF", "x"], protocol)
    assert "the same two voices" in line
