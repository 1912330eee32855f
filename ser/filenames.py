r"""File names as text that can be printed and stored, whatever bytes they hold.

A file name on Linux is bytes, and need not be UTF-8: an old archive has ``b"caf\xe9.wav"``. Python
holds such a byte as half of a surrogate pair, which no file in UTF-8 and no terminal takes. Here
it becomes ``caf\xe9.wav``.
"""

import os
import re
from pathlib import Path

_BYTES_FROM = 0xDC00  # Python holds the byte 0xE9 of a name as U+DCE9
# Control characters: a line break in a name would look like two names.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_SURROGATES = r"\ud800-\udfff"
_IN_TEXT = re.compile(f"[{_SURROGATES}]")
# Where a backslash separates folders, no name contains one.
_IN_NAME = re.compile(f"[{_CONTROL}{_SURROGATES}{'' if os.sep == chr(92) else chr(92) * 2}]")
_ESCAPED = re.compile(r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4}))")


def show_path(path: Path | str) -> str:
    r"""Return a path as text in UTF-8; no two paths have the same text.

    A byte that is not UTF-8 becomes ``\xe9``, and so does a control character. A backslash becomes
    two, except where it separates folders. `parse_path` returns the path again.
    """
    return _IN_NAME.sub(_escape, str(path))


def parse_path(text: str) -> Path:
    """Return the path of a text that `show_path` made."""
    return Path(_ESCAPED.sub(_unescape, text))


def printable(text: str) -> str:
    """Return a text with the names in it as `show_path` shows them; its line breaks stay."""
    return _IN_TEXT.sub(_escape, text)


def error_text(error: Exception) -> str:
    """Return the message of an error, or its class if it has none."""
    if isinstance(error, OSError) and error.strerror and isinstance(error.filename, str | bytes):
        return f"{error.strerror}: '{show_path(os.fsdecode(error.filename))}'"
    return printable(str(error)) or type(error).__name__


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\\":
        return r"\\"
    if code < 0x80:
        return f"\\x{code:02x}"
    byte = code - _BYTES_FROM
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else f"\\u{code:04x}"


def _unescape(match: re.Match[str]) -> str:
    backslash, byte, code = match.groups()
    if backslash:
        return "\\"
    if code:
        return chr(int(code, 16))
    value = int(byte, 16)
    return chr(value if value < 0x80 else _BYTES_FROM + value)
