"""Lists of clips: a CSV file as people and spreadsheets write it comes in, utterances go out."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from ser.corpora.base import Corpus, Sex, Utterance
from ser.corpora.custom import custom_utterance
from ser.errors import UsageError
from ser.filenames import parse_path, show_path
from ser.labels import canonical

LIST_SUFFIXES = frozenset({".csv", ".tsv"})

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
# The names of each column; case, spaces, hyphens and underscores do not matter.
_COLUMNS = {
    "path": ("path", "file", "filename", "filepath"),
    "emotion": ("emotion", "label"),
    "speaker": ("speaker", "speakerid"),
    "sex": ("sex", "gender"),
}
_NEEDED = ("path", "emotion")
_SEXES: dict[str, Sex] = {
    "male": "male", "m": "male", "man": "male",
    "female": "female", "f": "female", "w": "female", "woman": "female",
    "": "", "unknown": "", "other": "",
}  # fmt: skip
# A first line of which a spreadsheet reads the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')


@dataclass(frozen=True)
class _Row:
    """A line of a list: its cells by the names in `_COLUMNS`, and its place for messages."""

    cells: Mapping[str, str]
    place: str


def read_clip_list(path: Path, corpora: Iterable[Corpus]) -> Iterator[Utterance]:
    """Yield the utterances of a CSV file with columns for path, emotion and, optionally, speaker.

    The separator is a comma, a semicolon or a tab. Paths start at the file's folder, as they are,
    as `show_path` shows them, or with backslashes between folders; other columns are ignored. If a
    clip's name is one of a corpus, its corpus, speaker and take are those of the name.

    Args:
        corpora: whose names are looked for.

    Raises:
        UsageError: the file is not in UTF-8; or it lacks a column, names a clip that does not
            exist or an unknown emotion or sex, or contradicts an earlier line, with the line's
            number.
    """
    said: dict[tuple[str, str], tuple[str, Utterance]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in _rows(path, list(file)):
                utterance = _utterance(path.parent, row, corpora)
                earlier = said.setdefault(utterance.recording, (row.place, utterance))
                _check_agreement(*earlier, row.place, utterance)
                yield utterance
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{show_path(path)} is not a CSV file in UTF-8: {error}; "
            "save it again, as 'CSV UTF-8' or with the encoding UTF-8"
        ) from error


def _rows(path: Path, lines: Sequence[str]) -> Iterator[_Row]:
    """Yield the rows that are not empty."""
    filled = (i for i, line in enumerate(lines) if line.strip(" ,;\t\r\n"))
    start = next(filled, len(lines))
    declared = _SEPARATOR_LINE.fullmatch(lines[start].strip()) if start < len(lines) else None
    if declared:
        start = next(filled, len(lines))
    separator = declared[1] if declared else _separator("".join(lines[start : start + 1]))
    reader = csv.reader(lines[start:], delimiter=separator, skipinitialspace=True)
    columns = [cell.strip() for cell in next(reader, [])]
    places = _places(path, columns, separator)
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        place = f"{show_path(path)}, line {start + reader.line_num}"
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            raise UsageError(
                f"{place} has {len(cells)} cells, but the first line has {len(columns)}; write a "
                f'cell that contains {_SEPARATORS.get(separator, separator)} in quotes: "…"'
            )
        cells += [""] * (len(columns) - len(cells))
        yield _Row({name: cells[i] for name, i in places.items()}, place)


def _separator(header: str) -> str:
    """Return the separator that gives a header the columns that are needed, or the most columns."""

    def columns(separator: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
        return sum(name in _find_columns(cells) for name in _NEEDED), len(cells)

    return max(_SEPARATORS, key=columns)


def _find_columns(header: Sequence[str]) -> dict[str, int]:
    """Return the number of each column that a header has, by the name in `_COLUMNS`."""
    keys = [re.sub(r"[\s_-]", "", cell).casefold() for cell in header]
    found = ((name, next((k for k in known if k in keys), "")) for name, known in _COLUMNS.items())
    return {name: keys.index(key) for name, key in found if key}


def _places(path: Path, header: Sequence[str], separator: str) -> dict[str, int]:
    places = _find_columns(header)
    missing = [" or ".join(_COLUMNS[name]) for name in _NEEDED if name not in places]
    if missing:
        seen = ", ".join(filter(None, header)) or "none"
        raise UsageError(
            f"{show_path(path)}: its first line must name a column path and a column emotion, and "
            f"can name speaker and sex. Its columns, separated by "
            f"{_SEPARATORS.get(separator, separator)}, are: {seen}. "
            f"There is no {', and no '.join(missing)}"
        )
    return places


def _utterance(folder: Path, row: _Row, corpora: Iterable[Corpus]) -> Utterance:
    cells = row.cells
    clip = _find_clip(folder, cells["path"], row.place)
    try:
        emotion = canonical(cells["emotion"])
    except UsageError as error:
        raise UsageError(f"{row.place}: {error}") from error
    sex = _SEXES.get(cells.get("sex", "").casefold())
    if sex is None:
        raise UsageError(
            f"{row.place}: unknown sex {cells['sex']!r}; known: male, female; leave it empty "
            "where it is not known"
        )
    own = custom_utterance(clip, emotion, speaker=cells.get("speaker", ""), sex=sex)
    # The label is the user's; but the voice is the corpus's, whatever the user calls it.
    named = next((found for corpus in corpora if (found := corpus.parse(clip))), None)
    return replace(named, emotion=emotion, sex=named.sex or sex) if named else own


def _check_agreement(
    earlier_place: str, earlier: Utterance, place: str, utterance: Utterance
) -> None:
    """Raise UsageError if two lines say different things of one recording."""
    for fact in ("emotion", "speaker", "sex"):
        one, other = getattr(earlier, fact), getattr(utterance, fact)
        if one and other and one != other:
            raise UsageError(
                f"{earlier_place} and {place} name the same recording, with the {fact} {one} and "
                f"the {fact} {other}; leave one of the two lines"
            )


def _find_clip(folder: Path, name: str, place: str) -> Path:
    """Return the clip that a list names; a table of `ser extract` names it by `show_path`."""
    ways = (folder / name, folder / parse_path(name), folder / name.replace("\\", "/"))
    clip = next((path for path in ways if path.is_file()), None)
    if not name:
        raise UsageError(f"{place}: the path is empty")
    if clip is None and PureWindowsPath(name).is_absolute():
        raise UsageError(
            f"{place}: {name} is an absolute path of Windows, and there is no such file here; "
            "write the path from the list's folder on, such as "
            f"clips/{PureWindowsPath(name).name}"
        )
    if clip is None:
        raise UsageError(
            f"{place}: no such file: {show_path(folder / name)} (paths start at the list's folder)"
        )
    return clip
