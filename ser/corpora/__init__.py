"""Corpora: folders of files come in, utterances with emotion, speaker and sex go out.

A new corpus is one file here with a `CORPUS`. `files` finds, fetches and converts their files.
"""

from ser.corpora.base import Corpus, Sex, Utterance
from ser.corpora.files.clip_lists import LIST_SUFFIXES
from ser.corpora.files.scan import AUDIO_SUFFIXES, Scan, scan
from ser.corpora.files.sources import Edition, RemoteFile
from ser.plugins import collect

CORPORA: dict[str, Corpus] = collect("ser.corpora", "CORPUS", skip=("files",))

__all__ = [
    "AUDIO_SUFFIXES",
    "CORPORA",
    "LIST_SUFFIXES",
    "Corpus",
    "Edition",
    "RemoteFile",
    "Scan",
    "Sex",
    "Utterance",
    "scan",
]
