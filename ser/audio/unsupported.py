"""Files that are not supported: each is called what it is, so that the refusal is true."""

import re

#: What is said of a file of which nothing is known.
UNKNOWN = (
    "this is no audio or video file of a known kind; wav, mp3, flac, ogg, m4a, mp4, webm and "
    "others work"
)
_PREFIXES = (
    (b"#!SILK_V3", "SILK, a voice message of Skype"),
    (b"\x02#!SILK_V3", "SILK, a voice message of WeChat or QQ"),
    (b"MThd", "MIDI: notes, not sound"),
    (b"MP+", "Musepack"),
    (b"MPCK", "Musepack"),
    (b"tBaK", "TAK"),
    (b"DSD ", "DSD"),
    (b"FRM8", "DSD"),
    (b"OFR ", "OptimFROG"),
    (b"ajkg", "Shorten"),
)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_MP4_BOXES = (b"ftyp", b"moov")
# Sample entries of MP4 tracks of sound that are encrypted: CENC, FairPlay, Audible.
_MP4_PROTECTED = (b"enca", b"drms", b"aavd", b"adrm")
_MP4_SOUND = (b"mp4a", b"alac", b"ac-3", b"ec-3", b"Opus", b"fLaC", b"samr", b"sawb", b".mp3")
_SAMPLE_ENTRIES = re.compile(rb"stsd\x00\x00\x00\x00\x00\x00\x00.....(....)", re.DOTALL)
# Brands of pictures, as cameras and browsers write them, and of series of pictures.
_MP4_PICTURES = (
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis",
    b"avci", b"crx ",
)  # fmt: skip
_AUDIBLE = b"\x57\x90\x75\x36"  # of the older format, at byte 4
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROTECTED = (  # Content Encryption and Extended Content Encryption objects
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_ASF_HEADER_BYTES = 65_536  # of the file that are searched for them
_DRM = "protected audio (DRM): it can be played by its shop's program only"


def describe_unsupported(data: bytes) -> str | None:
    """Return in words what the file `data` is, if it is of a known kind that is not supported."""
    if data.startswith(_LFS_POINTER):
        return "this is a Git LFS pointer, not the file itself; `git lfs pull` fetches the file"
    kind = _unsupported_kind(data)
    return f"this is {kind}, which is not supported" if kind else None


def _unsupported_kind(data: bytes) -> str | None:
    for prefix, kind in _PREFIXES:
        if data.startswith(prefix):
            return kind
    if data[8:12] == b"RMID" and data.startswith(b"RIFF"):
        return "MIDI: notes, not sound"
    if data[4:8] == _AUDIBLE:
        return _DRM
    if data[4:8] in _MP4_BOXES:
        return _unsupported_mp4(data)
    is_protected_asf = data.startswith(_ASF) and any(
        data.find(name, 0, _ASF_HEADER_BYTES) > 0 for name in _ASF_PROTECTED
    )
    return _DRM if is_protected_asf else None


def _unsupported_mp4(data: bytes) -> str | None:
    """Return what an MP4 is whose tracks of sound are protected, or a picture without sound."""
    entries = _SAMPLE_ENTRIES.findall(data)
    sound = [entry for entry in entries if entry in _MP4_PROTECTED or entry in _MP4_SOUND]
    if not sound and data[4:8] == b"ftyp" and data[8:12] in _MP4_PICTURES:
        return "a picture"
    return _DRM if sound and all(entry in _MP4_PROTECTED for entry in sound) else None
