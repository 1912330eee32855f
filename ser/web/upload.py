"""The upload of a request: one file, in a form or as the raw body."""

import tempfile
from contextlib import ExitStack
from typing import IO

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from ser.web.errors import ApiError, retry_later, too_large
from ser.web.settings import FIELD, MAX_FORM_PARTS, Settings

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
_FORM = "multipart/form-data"
_CHUNK_BYTES = 65_536
_IN_MEMORY_BYTES = 500_000  # of a part of a form; a larger one is written to the disk


def read_upload(request: Request, settings: Settings) -> bytes:
    """Return the bytes of the uploaded file; its name is not looked at.

    Raises:
        ApiError: there is not exactly one file, it is too large, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    try:
        data = _read_body(request)
    except OSError as error:
        raise retry_later("unavailable") from error
    if len(data) > settings.max_upload_bytes:
        raise too_large(settings)
    return data


def _read_body(request: Request) -> bytes:
    kind = request.mimetype
    if kind == _FORM:
        return _read_form(request)
    if kind.startswith(("audio/", "video/")) or kind in RAW_TYPES:
        # One read of the announced length: `get_data` reads 64 KB at a time, in four copies.
        return request.stream.read(request.content_length or 0) + request.stream.read()
    raise ApiError("bad_request", f"the content type is {kind or 'missing'}; {_HINT}")


def _read_form(request: Request) -> bytes:
    """Return the content of the one part of a form that is the file.

    werkzeug's own parser takes a part without a file name for text, and so spoils it.
    """
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    if not boundary:
        raise ApiError("bad_request", f"a form without a boundary; {_HINT}")
    decoder = MultipartDecoder(boundary, max_parts=MAX_FORM_PARTS)
    names: list[str] = []
    files: list[tuple[IO[bytes], str | None]] = []
    with ExitStack() as stack:
        target: IO[bytes] | None = None
        try:
            while not isinstance(event := decoder.next_event(), Epilogue):
                if isinstance(event, NeedData):
                    decoder.receive_data(request.stream.read(_CHUNK_BYTES) or None)
                elif isinstance(event, Field | File):
                    names.append(event.name)
                    target = None
                    if event.name == FIELD:
                        target = stack.enter_context(
                            tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)
                        )
                        files.append((target, getattr(event, "filename", None)))
                elif isinstance(event, Data) and target is not None:
                    target.write(event.data)
        except ValueError as error:
            raise ApiError("bad_request", f"the form is broken: {error}; {_HINT}") from error
        if len(files) != 1:
            found = f"{len(files)} files" if files else _without_file(names)
            raise ApiError("bad_request", f"{found}; {_HINT}")
        (file, name) = files[0]
        file.seek(0)
        data = file.read()
        if not data and name == "":
            # What a browser sends for a field in which no file was chosen.
            raise ApiError("bad_request", f"no file was chosen; {_HINT}")
        return data


def _without_file(names: list[str]) -> str:
    came = ", ".join(repr(name[:50]) for name in names[:5]) or "nothing"
    return f"no file in the field {FIELD!r}; the form has {came}"
