"""Captions as people write them, and as strangers send them."""

import random
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser.errors import UsageError
from ser.inference import Cue
from ser.timeline import read_cues
from ser.timeline.captions import MAX_BYTES, MAX_CUES

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello

2
00:01:02,003 --> 01:00:00,000
Two
lines
"""
VTT = """WEBVTT - a title
Kind: captions

NOTE This is no cue
00:00

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start position:10%
<v Mary>Hello &amp; <i.loud>welcome</i> <00:02.000>&lt;all&gt;</v>

00:01:02.003 --> 01:00:00.000
Two
lines
"""
TWO = [Cue(1.0, 2.5, "Hello"), Cue(62.003, 3600.0, "Two\nlines")]


def test_subrip():
    assert read_cues(SRT.encode()) == TWO


def test_webvtt():
    assert read_cues(VTT.encode()) == [Cue(1.0, 2.5, "Mary: Hello & welcome <all>"), TWO[1]]


def test_a_path(tmp_path):
    path = tmp_path / "talk.srt"
    path.write_text(SRT)
    assert read_cues(path) == TWO


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("text", [SRT, VTT.replace("<v Mary>", "Mary: ")])
def test_encodings_and_line_ends(encoding, line_end, text):
    data = text.replace("Hello", "Здравствуй 😀").replace("\n", line_end).encode(encoding)
    assert read_cues(data)[0].text.endswith(("Здравствуй 😀", "Здравствуй 😀 & welcome <all>"))
    assert read_cues(data)[1] == TWO[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1\n00:00:01", "00:00:01"), ("\n\n2\n", "\n\n\n\n2\n"), ("\n\n2\n", "\n\n7\n"),
        ("\n\n2\n", "\n2\n"), ("\n\n2\n", "\n\n"), (",500", ",500  X1:40 X2:600"),
        ("00:00:01,000", "0:0:1"), ("01,000 -->", "01.000-->"), ("Hello", "<i>Hello</i>"),
        ("Hello", r"{\an8}<font color='red'>Hello</font>"), ("Hello\n", "Hello  \n \n"),
        ("1\n", "\n\n1\n"),
    ],
)  # fmt: skip
def test_subrip_as_people_write_it(old, new):
    assert old in SRT
    assert read_cues(SRT.replace(old, new, 1).encode()) == TWO


@pytest.mark.parametrize("text", ["1 < 2 & 3", "a\n\nb", "42", "2 --> later", "--> there", "<3"])
def test_the_words_of_subrip_are_kept(text):
    words = text.replace("2 --> later", "See --> later")
    (first, second) = read_cues(SRT.replace("Hello", words).encode())
    assert first.text == words.replace("\n\n", "\n")
    assert second == TWO[1]


def test_cues_may_overlap_have_no_words_and_no_length():
    text = "5\n00:00:05,000 --> 00:00:05,000\n\n6\n00:00:01,000 --> 00:00:09,000\nx\n"
    assert read_cues(text.encode()) == [Cue(5, 5, ""), Cue(1, 9, "x")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "without a cue"),
        (b"WEBVTT\n\nNOTE nothing\n", "without a cue"),
        (b"hello", "line 1: 'hello' is neither"),
        (b"RIFF\x24\0\0\0WAVE", "not text"),
        (b"\xff\xfb\x90", "not text in UTF-8"),
        ("1\n00:00:01,000 --> 00:00:02,000\nÄ".encode("latin-1"), "save them as UTF-8"),
        ("1\n00:00:01,000 --> 00:00:02,000\nA".encode("utf-16")[:-1], "not text in UTF-8"),
        (b"1\n00:00:01,000 -> 00:00:02,000\nA", "line 2: '00:00:01,000 -> 00:00:02,000'"),
        (b"1\n00:61:01,000 --> 00:70:02,000\nA", "line 2"),
        (b"1\n00:00:01,000 --> 2 o'clock\nA", "line 2: .* is not times such as"),
        (b"1\n-0:00:01,000 --> 00:00:02,000\nA", "line 2"),
        (b"1\n9999:00:01,000 --> 9999:00:02,000\nA", "line 2"),
        (b"1\n00:00:02,000 --> 00:00:01,999\nA", "line 2: .* ends before it begins"),
        (b"WEBVTT\n\na\n00:01.000 --> soon\n", "line 4: '00:01.000 --> soon'"),
        (b"WEBVTT\n\n--> 00:01.000\n", "line 3"),
        (b"x" * (MAX_BYTES + 1), "more than 1,000,000 bytes"),
        (b"0:1 --> 0:2\n\n" * (MAX_CUES + 1), "more than 5,000 cues"),
    ],
)  # fmt: skip
def test_unreadable_captions_say_why(data, words):
    with pytest.raises(UsageError, match=words):
        read_cues(data)


def test_as_many_cues_as_are_allowed():
    cues = read_cues(b"0:1 --> 0:2\nx\n\n" * MAX_CUES)
    assert len(cues) == MAX_CUES
    assert set(cues) == {Cue(1, 2, "x")}


PIECES = st.sampled_from(
    ["WEBVTT", "\n", "\r", " ", "1", "00:00:01,000", "00:01.5", " --> ", "-->", "NOTE", "<v A>",
     "<", ">", "&amp;", "{\\", "}", "<font ", "\ufeff", "\0", "ä", "-", "STYLE", "99999999999"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(pieces=st.lists(PIECES, max_size=60))
def test_any_text_gives_cues_or_a_reason(pieces):
    try:
        cues = read_cues("".join(pieces).encode())
    except UsageError:
        pass
    else:
        assert cues
        for cue in cues:
            assert 0 <= cue.start <= cue.end < 4e6
            assert cue.text == "\n".join(filter(None, map(str.strip, cue.text.split("\n"))))


def test_changed_bytes_of_captions_give_cues_or_a_reason():
    chance = random.Random(4)  # noqa: S311 - no secret
    outcomes = set()
    for _ in range(3000):
        data = bytearray(chance.choice((SRT, VTT)).encode())
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            outcomes.add(len(read_cues(bytes(data))))
        except UsageError:
            outcomes.add("refused")
    assert {"refused", 1, 2} <= outcomes


@pytest.mark.parametrize(
    "piece",
    ["<", "<v", "<v ", "<v.a", "{\\", " ", "0", "&", "-->", " -->", "0:", "<i ", "\n", "0:1 --> "],
)  # fmt: skip
@pytest.mark.parametrize("start", ["", "WEBVTT\n\n0:1 --> 0:2\n", "0:1 --> 0:2\n"])
def test_no_text_takes_long(start, piece):
    data = (start + piece * (MAX_BYTES // len(piece)))[:MAX_BYTES].encode()
    began = time.process_time()
    with suppress(UsageError):
        read_cues(data)
    assert time.process_time() - began < 1.0
