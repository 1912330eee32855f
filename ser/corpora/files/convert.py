"""Conversion of a trusted corpus's mp4 and other files to WAV, with pydub.

Never convert untrusted files: pydub sets no limits on ffmpeg. `ser.audio` decodes uploads.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ser.audio import ffmpeg_path
from ser.audio.containers import detect_container
from ser.audio.unsupported import UNKNOWN, describe_unsupported
from ser.corpora import AUDIO_SUFFIXES
from ser.corpora.files.walk import FolderWalk
from ser.errors import Damaged, DecoderUnavailable, UsageError
from ser.filenames import error_text, show_path


@dataclass(frozen=True)
class Job:
    """A file to convert, and the path of its WAV."""

    source: Path
    target: Path

    @property
    def done(self) -> bool:
        """Whether the WAV exists and is no older than its source."""
        return self.target.is_file() and self.target.stat().st_mtime >= self.source.stat().st_mtime


def plan(in_dir: Path, out_dir: Path) -> list[Job]:
    """List the audio and video files that `FolderWalk` finds, each with its WAV below `out_dir`.

    Files that differ in the suffix alone keep it: ``a.opus.wav`` and ``a.wav.wav``.

    Raises:
        UsageError: there are no such files, or two would become the same WAV.
    """
    if not in_dir.is_dir():
        raise UsageError(f"no such folder: {show_path(in_dir)}")
    if out_dir.resolve().is_relative_to(in_dir.resolve()):
        raise UsageError(
            f"{show_path(out_dir)} lies inside {show_path(in_dir)}: "
            "its WAVs would be converted again"
        )
    files = FolderWalk().files(in_dir)
    sources = sorted(path for path in files if path.suffix.lower() in AUDIO_SUFFIXES)
    if not sources:
        raise UsageError(f"no audio or video file below {show_path(in_dir)}")
    names = Counter(source.with_suffix("") for source in sources)
    targets: dict[Path, Path] = {}
    for source in sources:
        name = source.with_suffix("") if names[source.with_suffix("")] == 1 else source
        target = out_dir / name.with_name(f"{name.name}.wav").relative_to(in_dir)
        if target in targets:
            both = f"{show_path(targets[target])} and {show_path(source)}"
            raise UsageError(f"{both} would both become {show_path(target)}")
        targets[target] = source
    return [Job(source, target) for target, source in targets.items()]


def convert(jobs: Iterable[Job]) -> Iterator[tuple[Job, Damaged | None]]:
    """Convert each job and yield it, with an error if its file cannot be read.

    A WAV gets its name only when it is complete, so that an interrupted run can be resumed.

    Raises:
        DecoderUnavailable: there is no ffmpeg.
    """
    with warnings.catch_warnings():
        # pydub warns if the system has no ffmpeg, but it uses the packaged one, set below.
        warnings.filterwarnings("ignore", "Couldn't find ffmpeg", RuntimeWarning)
        from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

    AudioSegment.converter = ffmpeg_path()
    for job in jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        partial = job.target.with_name(f".{job.target.name}.partial")
        try:
            # ffmpeg has its own names for formats: .opus is ogg, .mkv is matroska.
            found = detect_container(data := job.source.read_bytes())
            if found is None:
                raise ValueError(describe_unsupported(data) or UNKNOWN)
            # The one reader of pydub that needs no ffprobe, which imageio-ffmpeg does not contain.
            segment = AudioSegment.from_file_using_temporary_files(
                str(job.source), format=found.container.demuxer
            )
            segment.export(partial, format="wav").close()
            partial.replace(job.target)
            yield job, None
        except (CouldntDecodeError, EOFError, OSError, ValueError) as error:
            partial.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError) and job.source.exists():
                raise DecoderUnavailable("ffmpeg no longer exists") from error
            reason = error_text(error).strip().rpartition("\n")[2]
            damaged = Damaged(f"{show_path(job.source)}: {reason}")
            damaged.__cause__ = error
            yield job, damaged
