"""Corpora: folders of files come in, utterances with emotion, speaker and sex go out.

A new corpus is one file here with a `CORPUS`. `download` fetches corpora from their publishers;
`convert` turns their files into WAV.
"""

from ser.corpora.base import Corpus, Sex, Utterance
from ser.corpora.scan import AUDIO_SUFFIXES, Scan, scan
from ser.corpora.sources import Edition, RemoteFile
from ser.plugins import collect

CORPORA: dict[str, Corpus] = collect("ser.corpora", "CORPUS", skip=("convert", "download"))

__all__ = [
    "AUDIO_SUFFIXES",
    "CORPORA",
    "Corpus",
    "Edition",
    "RemoteFile",
    "Scan",
    "Sex",
    "Utterance",
    "scan",
]
