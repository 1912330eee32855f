"""The upload of a request: a file and its reference, in a form; or a file as the raw body."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from ser.inference.reference import find_text
from ser.web.errors import ApiError, retry_later, too_large
from ser.web.settings import FIELD, MAX_FORM_PARTS, REFERENCE_FIELD, Settings

#: Content types of a raw body, beside audio/* and video/*.
RAW_TYPES = (
    "application/octet-stream",
    "binary/octet-stream",
    "application/ogg",
    "application/mp4",
    "application/mxf",
    "application/x-matroska",
)
_HINT = f"send one file: curl -F {FIELD}=@clip.wav …, or the raw bytes with an audio/* type"
_REFERENCE_HINT = f"send one to four files: curl -F {REFERENCE_FIELD}=@neutral.wav …"
_FORM = "multipart/form-data"
_CHUNK_BYTES = 65_536
_IN_MEMORY_BYTES = 500_000  # of a part of a form; a larger one is written to the disk


@dataclass
class Upload:
    """What a request for a prediction brings.

    Attributes:
        files: the file's content. The list is emptied by whoever takes the file, so that the
            memory is free when the file is decoded.
        reference: the content of files of the same speaker in a neutral voice, or the text of a
            reference; None if there is none.
    """

    files: list[bytes]
    reference: str | list[bytes] | None


@dataclass
class _Part:
    """A part of a form, or a raw body; `name` is None where there is no file name."""

    field: str
    name: str | None
    data: bytes


def read_upload(request: Request, settings: Settings) -> Upload:
    """Return the uploaded file and the reference with it; names of files are not looked at.

    Raises:
        ApiError: there is not exactly one file, it all is too large, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    parts, names = _read_body(request, settings, (FIELD, REFERENCE_FIELD), _HINT)
    files = [part for part in parts if part.field == FIELD]
    # A form may have a field for the reference that nobody has filled in.
    references = [p.data for p in parts if p.field == REFERENCE_FIELD and (p.data or p.name)]
    if len(files) != 1:
        found = f"{len(files)} files" if files else _without_file(FIELD, names)
        raise ApiError("bad_request", f"{found}; {_HINT}")
    if _is_not_chosen(files[0]):
        raise ApiError("bad_request", f"no file was chosen; {_HINT}")
    return Upload([files[0].data], _reference(references))


def read_reference_files(request: Request, settings: Settings) -> list[bytes]:
    """Return the files of which a reference is to be made.

    Raises:
        ApiError: there are none, they are too large, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    fields = (REFERENCE_FIELD, FIELD)
    parts, names = _read_body(request, settings, fields, _REFERENCE_HINT)
    files = [part.data for part in parts if not _is_not_chosen(part)]
    if not files:
        found = "no file was chosen" if parts else _without_file(REFERENCE_FIELD, names)
        raise ApiError("bad_request", f"{found}; {_REFERENCE_HINT}")
    return files


def _reference(references: list[bytes]) -> str | list[bytes] | None:
    texts = [text for data in references if (text := find_text(data))]
    if texts and len(references) > 1:
        raise ApiError(
            "bad_request",
            f"the field {REFERENCE_FIELD!r} takes one text, or one to four files, not both",
        )
    return texts[0] if texts else references or None


def _is_not_chosen(part: _Part) -> bool:
    """Return whether it is what a browser sends for a field in which no file was chosen."""
    return not part.data and part.name == ""


def _read_body(
    request: Request, settings: Settings, fields: Sequence[str], hint: str
) -> tuple[list[_Part], list[str]]:
    """Return the parts of `fields`, and the names of all fields."""
    kind = request.mimetype
    names: list[str] = []
    try:
        if kind == _FORM:
            parts, names = _read_form(request, fields, hint)
        elif kind.startswith(("audio/", "video/")) or kind in RAW_TYPES:
            # One read of the announced length: `get_data` reads 64 KB at a time, in four copies.
            data = request.stream.read(request.content_length or 0) + request.stream.read()
            parts = [_Part(FIELD, None, data)]
        else:
            raise ApiError("bad_request", f"the content type is {kind or 'missing'}; {hint}")
    except OSError as error:
        raise retry_later("unavailable") from error
    if sum(len(part.data) for part in parts) > settings.max_upload_bytes:
        raise too_large(settings)
    return parts, names


def _read_form(request: Request, fields: Sequence[str], hint: str) -> tuple[list[_Part], list[str]]:
    """Return the parts of `fields`, and the names of all fields.

    werkzeug's own parser takes a part without a file name for text, and so spoils it.
    """
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    if not boundary:
        raise ApiError("bad_request", f"a form without a boundary; {hint}")
    decoder = MultipartDecoder(boundary, max_parts=MAX_FORM_PARTS)
    names: list[str] = []
    found: list[tuple[str, str | None, IO[bytes]]] = []
    with ExitStack() as stack:
        target: IO[bytes] | None = None
        try:
            while not isinstance(event := decoder.next_event(), Epilogue):
                if isinstance(event, NeedData):
                    decoder.receive_data(request.stream.read(_CHUNK_BYTES) or None)
                elif isinstance(event, Field | File):
                    names.append(event.name or "")  # a part may have no name
                    target = None
                    if event.name in fields:
                        target = stack.enter_context(
                            tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)
                        )
                        found.append((event.name, getattr(event, "filename", None), target))
                elif isinstance(event, Data) and target is not None:
                    target.write(event.data)
        except ValueError as error:
            raise ApiError("bad_request", f"the form is broken: {error}; {hint}") from error
        parts = []
        for field, name, file in found:
            file.seek(0)
            parts.append(_Part(field, name, file.read()))
        return parts, names


def _without_file(field: str, names: list[str]) -> str:
    came = ", ".join(repr(name[:50]) for name in names[:5]) or "nothing"
    return f"no file in the field {field!r}; the form has {came}"
