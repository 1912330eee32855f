"""The corpora of the field. A new one is one file here with a `CORPUS`."""

from ser.corpora.base import Corpus, Utterance
from ser.corpora.remote import Form, RemoteFile
from ser.corpora.scan import AUDIO_SUFFIXES, Scan, scan
from ser.registry import collect

CORPORA: dict[str, Corpus] = collect("ser.corpora", "CORPUS")

__all__ = [
    "AUDIO_SUFFIXES",
    "CORPORA",
    "Corpus",
    "Form",
    "RemoteFile",
    "Scan",
    "Utterance",
    "scan",
]
