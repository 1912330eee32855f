"""RAVDESS: 24 North American actors, 8 emotions, speech and song."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, RemoteFile, zenodo_files
from ser.labels import known_emotion

# modality-channel-emotion-intensity-statement-repetition-actor
# A longer row of numbers is another name.
_NAME = name_pattern(
    r"(?<!\d-)(0[123])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([01]\d|2[0-4])(?!-\d\d)"
)
# As x4nth055/emotion-recognition-using-speech and its many copies name them:
# actor_channel_intensity_repetition_statement_emotion
_IN_WORDS = name_pattern(
    r"(0[1-9]|1\d|2[0-4])_(0[12])_(0[12])_(0[12])_(kids-talking|dogs-sitting)_([a-z]+)"
)
_STATEMENTS = {"kids-talking": "01", "dogs-sitting": "02"}
_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
_VIDEO_ONLY = "02"
_ZENODO = "https://zenodo.org/api/records/1188976"


def _parse(path: Path) -> Utterance | None:
    fields = _fields(path)
    if fields is None:
        return None
    modality, channel, emotion, intensity, statement, _, actor = fields
    if modality == _VIDEO_ONLY or actor == "00":
        return None
    return Utterance(
        path=path,
        emotion=_EMOTIONS[int(emotion) - 1],
        speaker=f"ravdess-{actor}",
        corpus="ravdess",
        sex="male" if int(actor) % 2 else "female",
        intensity="strong" if intensity == "02" else "normal",
        statement=statement,
        channel="song" if channel == "02" else "speech",
        # A clip's video (modality 01) and its audio file (03) have the same sound.
        take="-".join(fields[1:]),
    )


def _fields(path: Path) -> tuple[str, ...] | None:
    """Return the seven numbers of a name, modality to actor; None if it is another name."""
    if match := find_name(_NAME, path):
        return match.groups()
    match = find_name(_IN_WORDS, path)
    emotion = match and known_emotion(match[6])
    if match is None or emotion not in _EMOTIONS:
        return None
    actor, channel, intensity, repetition, statement, _ = match.groups()
    number = f"{_EMOTIONS.index(emotion) + 1:02}"
    return "03", channel, number, intensity, _STATEMENTS[statement], repetition, actor


CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS",
    source="Livingstone & Russo 2018, PLOS ONE 13(5) e0196391",
    licence="CC BY-NC-SA 4.0",
    speakers="24 North American actors",
    parse=_parse,
    page="https://zenodo.org/records/1188976",
    editions={
        "speech": Edition(
            summary="1,440 clips of speech, 208 MB",
            files=(
                RemoteFile(
                    url=f"{_ZENODO}/files/Audio_Speech_Actors_01-24.zip/content",
                    path="Audio_Speech_Actors_01-24.zip",
                    size=208_468_073,
                    checksum="md5:bc696df654c87fed845eb13823edef8a",
                ),
            ),
        ),
        "song": Edition(
            summary="1,012 clips of song, 226 MB",
            files=(
                RemoteFile(
                    url=f"{_ZENODO}/files/Audio_Song_Actors_01-24.zip/content",
                    path="Audio_Song_Actors_01-24.zip",
                    size=225_505_317,
                    checksum="md5:5411230427d67a21e18aa4d466e6d1b9",
                ),
            ),
        ),
        "video-speech": Edition(
            summary="the speech as video, an archive per actor",
            listing=_ZENODO,
            read_listing=zenodo_files("Video_Speech_"),
        ),
        "video-song": Edition(
            summary="the songs as video, an archive per actor",
            listing=_ZENODO,
            read_listing=zenodo_files("Video_Song_"),
        ),
    },
)
