"""Every setting of the app: environment variables, checked once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ser.errors import UsageError
from ser.resources import DEFAULT_MODEL

FIELD = "file"  # of the upload form
REFERENCE_FIELD = "reference"
CUES_FIELD = "cues"
FORMAT_FIELD = "format"  # it and the next may stand in the query, too
CHANNELS_FIELD = "channels"
MAX_FILES = 32  # of one request
MAX_FORM_PARTS = 40
_FORM_BYTES = 65_536  # what a form puts around its files


def _number(kind: Callable[[str], Any], low: float, high: float) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    parse.__doc__ = f"A number from {low:g} to {high:g}"
    return parse


def _log_level(text: str) -> str:
    """One of DEBUG, INFO, WARNING, ERROR."""
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError
    return text.upper()


@dataclass(frozen=True)
class Setting:
    """An environment variable: its name, default, parser and meaning."""

    variable: str
    default: Any
    parse: Callable[[str], Any]
    meaning: str


SETTINGS = {
    "host": Setting("HOST", "127.0.0.1", str, "address to listen on; 0.0.0.0 for all"),
    "port": Setting("PORT", 5000, _number(int, 0, 65535), "port to listen on; 0 for a free one"),
    "model": Setting("SER_MODEL", DEFAULT_MODEL, Path, "the model file"),
    "max_upload_mb": Setting(
        "SER_MAX_UPLOAD_MB", 25, _number(float, 0.001, 1024), "largest upload, in MB"
    ),
    "max_seconds": Setting(
        "SER_MAX_SECONDS", 600.0, _number(float, 1, 7200), "seconds of a file that are analysed"
    ),
    "threads": Setting(
        "SER_THREADS",
        4,
        _number(int, 1, 64),
        "files worked on side by side, by all copies together",
    ),
    "queue": Setting(
        "SER_QUEUE",
        16,
        _number(int, 0, 1000),
        "files that may wait; the rest are told to come back",
    ),
    "timeout_s": Setting(
        "SER_TIMEOUT_S",
        25.0,
        _number(float, 0.1, 600),  # platforms give up after 30
        "seconds for an answer, once the upload has arrived",
    ),
    "trusted_proxies": Setting(
        "SER_TRUSTED_PROXIES",
        0,
        _number(int, 0, 9),
        "number of proxies in front whose `X-Forwarded-Proto` and `-Host` are trusted",
    ),
    "web_concurrency": Setting(
        "WEB_CONCURRENCY",
        1,
        _number(int, 1, 64),
        "copies of the server on the one port, each a process; Heroku sets it",
    ),
    "log_level": Setting("SER_LOG_LEVEL", "INFO", _log_level, "DEBUG, INFO, WARNING or ERROR"),
}


@dataclass(frozen=True)
class Settings:
    """The values of `SETTINGS`; anything not given has its default."""

    host: str = SETTINGS["host"].default
    port: int = SETTINGS["port"].default
    model: Path = SETTINGS["model"].default
    max_upload_mb: float = SETTINGS["max_upload_mb"].default
    max_seconds: float = SETTINGS["max_seconds"].default
    threads: int = SETTINGS["threads"].default
    queue: int = SETTINGS["queue"].default
    timeout_s: float = SETTINGS["timeout_s"].default
    trusted_proxies: int = SETTINGS["trusted_proxies"].default
    web_concurrency: int = SETTINGS["web_concurrency"].default
    log_level: str = SETTINGS["log_level"].default

    def share(self) -> "Settings":
        """Return the settings of one copy: its share of the files at work and waiting.

        So memory is bounded by the settings, however many copies there are.
        """
        copies = self.web_concurrency
        return replace(
            self, threads=math.ceil(self.threads / copies), queue=math.ceil(self.queue / copies)
        )

    @property
    def max_upload_bytes(self) -> int:
        """Largest upload, in bytes."""
        return int(self.max_upload_mb * 1_000_000)

    @property
    def max_body_bytes(self) -> int:
        """Largest request body: the largest upload and what a form puts around it, in bytes."""
        return self.max_upload_bytes + _FORM_BYTES


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables; an empty value counts as not set.

    Raises:
        UsageError: a value is not allowed; the message names it.
    """
    values = {}
    for field in fields(Settings):
        setting = SETTINGS[field.name]
        text = environment.get(setting.variable, "").strip()
        if not text:
            continue
        try:
            values[field.name] = setting.parse(text)
        except ValueError:
            allowed = setting.parse.__doc__ or "another value"
            raise UsageError(f"{setting.variable}={text!r} is not allowed. {allowed}") from None
    return Settings(**values)
