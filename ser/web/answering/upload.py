"""What a request for a prediction brings: files, a reference, captions, and options."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Request

from ser.inference import Cue
from ser.inference.reference import find_text
from ser.timeline import read_cues
from ser.web.answering.form import Part, read_body
from ser.web.answering.options import Options, read_options
from ser.web.errors import ApiError, naming_field
from ser.web.settings import (
    CHANNELS_FIELD,
    CUES_FIELD,
    FIELD,
    FORMAT_FIELD,
    MAX_FILES,
    REFERENCE_FIELD,
    Settings,
)

_HINT = f"send one file: curl -F {FIELD}=@clip.wav …, or the raw bytes with an audio/* type"
_REFERENCE_HINT = f"send one to four files: curl -F {REFERENCE_FIELD}=@neutral.wav …"


@dataclass
class Upload:
    """What a request for a prediction brings.

    Attributes:
        files: the files' contents, in their order. The list is emptied by whoever takes the
            files, so that the memory of each is free when it is decoded.
        reference: the content of files of the same speaker in a neutral voice, or the text of a
            reference; None if there is none.
        cues: of the captions; None if there are none.
        options: what is asked for.
    """

    files: list[bytes]
    reference: str | list[bytes] | None = None
    cues: list[Cue] | None = None
    options: Options = field(default_factory=Options)


def read_upload(request: Request, settings: Settings) -> Upload:
    """Return what was uploaded, for `POST /predict`; names of files are not looked at.

    Raises:
        ApiError: there is no file or there are too many, it all is too large, a field or the
            captions cannot be read, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    fields = (FIELD, REFERENCE_FIELD, CUES_FIELD, FORMAT_FIELD, CHANNELS_FIELD)
    parts, names = read_body(request, settings, fields, _HINT)
    files = _files(parts, names)
    if len(files) > MAX_FILES:
        raise ApiError("bad_request", f"{len(files)} files; one request takes up to {MAX_FILES}")
    upload = Upload(files, _reference(parts), _cues(parts), read_options(request, parts))
    if len(files) > 1:
        _check_several(upload)
    return upload


def read_one_file(request: Request, settings: Settings) -> Upload:
    """Return the file and the reference of the page's form; errors as of `read_upload`."""
    parts, names = read_body(request, settings, (FIELD, REFERENCE_FIELD), _HINT)
    files = _files(parts, names)
    if len(files) > 1:
        raise ApiError("bad_request", f"{len(files)} files; {_HINT}")
    return Upload(files, _reference(parts))


def read_reference_files(request: Request, settings: Settings) -> list[bytes]:
    """Return the files of which a reference is to be made.

    Raises:
        ApiError: there are none, they are too large, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    fields = (REFERENCE_FIELD, FIELD)
    parts, names = read_body(request, settings, fields, _REFERENCE_HINT)
    files = [part.data for part in parts if not part.is_not_chosen]
    if not files:
        found = "no file was chosen" if parts else _without_file(REFERENCE_FIELD, names)
        raise ApiError("bad_request", f"{found}; {_REFERENCE_HINT}")
    return files


def _files(parts: Sequence[Part], names: list[str]) -> list[bytes]:
    files = [part for part in parts if part.field == FIELD]
    if not files:
        raise ApiError("bad_request", f"{_without_file(FIELD, names)}; {_HINT}")
    chosen = [part.data for part in files if not part.is_not_chosen]
    if not chosen:
        raise ApiError("bad_request", f"no file was chosen; {_HINT}")
    return chosen


def _reference(parts: Sequence[Part]) -> str | list[bytes] | None:
    references = _filled_in(parts, REFERENCE_FIELD)
    texts = [text for data in references if (text := find_text(data))]
    if texts and len(references) > 1:
        raise ApiError(
            "bad_request",
            f"the field {REFERENCE_FIELD!r} takes one text, or one to four files, not both",
        )
    return texts[0] if texts else references or None


def _cues(parts: Sequence[Part]) -> list[Cue] | None:
    captions = _filled_in(parts, CUES_FIELD)
    if len(captions) > 1:
        raise ApiError("bad_request", f"the field {CUES_FIELD!r} takes one file of captions")
    with naming_field(CUES_FIELD):
        return read_cues(captions[0]) if captions else None


def _filled_in(parts: Sequence[Part], name: str) -> list[bytes]:
    """Return the parts of a field; a form may have one that nobody has filled in."""
    return [part.data for part in parts if part.field == name and (part.data or part.name)]


def _check_several(upload: Upload) -> None:
    if upload.cues is not None:
        raise ApiError(
            "bad_request",
            f"field {CUES_FIELD!r}: captions belong to one file, and here are {len(upload.files)}",
        )
    if upload.options.form not in ("json", "csv"):
        raise ApiError(
            "bad_request",
            f"field {FORMAT_FIELD!r}: {upload.options.form!r} holds one file, and here are "
            f"{len(upload.files)}; json and csv hold several",
        )


def _without_file(field: str, names: list[str]) -> str:
    came = ", ".join(repr(name[:50]) for name in names[:5]) or "nothing"
    return f"no file in the field {field!r}; the form has {came}"
