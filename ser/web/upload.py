"""The one file of a request."""

from flask import Request

from ser.web.problems import Problem, later, too_large
from ser.web.settings import Settings

FIELD = "file"
MAX_FORM_PARTS = 16
_HINT = f"send one file: curl -F {FIELD}=@clip.wav …, or the raw bytes with an audio/* type"


def read_upload(request: Request, settings: Settings) -> bytes:
    """Return the bytes of the uploaded file; its name is not looked at.

    Raises:
        Problem: there is not exactly one file, it is too large, or there is no room for it.
        RequestEntityTooLarge: so is the request.
    """
    try:
        data = _read(request)
    except OSError as error:
        raise later("unavailable") from error
    if len(data) > settings.max_upload_bytes:
        raise too_large(settings)
    return data


def _read(request: Request) -> bytes:
    kind = request.mimetype
    if kind == "multipart/form-data":
        files = request.files.getlist(FIELD)
        if len(files) != 1 or len(request.files) != 1:
            found = f"{len(files)} files" if files else f"no file in the field {FIELD!r}"
            raise Problem("bad_request", f"{found}; {_HINT}")
        if not files[0].filename:
            raise Problem("bad_request", f"no file was chosen; {_HINT}")
        return files[0].read()
    if kind.startswith(("audio/", "video/")) or kind == "application/octet-stream":
        # At once, where its length is told; `get_data` asks for 64 KB at a time, in four copies.
        return request.stream.read(request.content_length or 0) + request.stream.read()
    raise Problem("bad_request", f"the content type is {kind or 'missing'}; {_HINT}")
