"""File names as text: always UTF-8, never the same for two names, and back."""

import os
from pathlib import Path

import pytest

from ser.errors import UsageError
from ser.filenames import error_text, parse_path, printable, show_path

NAMES = {
    b"happy.wav": "happy.wav",
    "café ☕ 音.wav".encode(): "café ☕ 音.wav",
    b"caf\xe9.wav": r"caf\xe9.wav",
    rb"caf\xe9.wav": r"caf\\xe9.wav",
    b"two\nlines\x1b[31m.wav": r"two\x0alines\x1b[31m.wav",
    "\x85.wav".encode(): r"\u0085.wav",
    b"\x85.wav": r"\x85.wav",
    rb"a\\b\n.wav": r"a\\\\b\\n.wav",
}


@pytest.mark.skipif(os.name == "nt", reason="names on Windows are no bytes")
@pytest.mark.parametrize(("name", "text"), NAMES.items())
def test_a_name_and_back(name, text):
    assert show_path(Path(os.fsdecode(name))) == text
    assert os.fsencode(parse_path(text)) == name
    assert text.encode()


def test_no_two_names_have_the_same_text():
    assert len(set(NAMES.values())) == len(NAMES)


def test_half_of_a_surrogate_pair_from_windows():
    assert show_path("\ud83d.wav") == r"\ud83d.wav"


def test_a_message_keeps_its_lines_and_backslashes():
    assert printable("a\\b\nc\udce9") == "a\\b\nc\\xe9"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file", "caf\udce9"), r"No such file: 'caf\xe9'"),
        (FileNotFoundError(2, "No such file", b"caf\xe9"), r"No such file: 'caf\xe9'"),
        (UsageError("no caf\udce9"), r"no caf\xe9"),
        (OSError("odd"), "odd"),
        (EOFError(), "EOFError"),
    ],
)
def test_the_message_of_an_error(error, text):
    assert error_text(error) == text
