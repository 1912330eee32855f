"""What a corpus is like: counts, lengths, loudness, and how each emotion looks."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ser.audio import load_audio
from ser.corpora import Utterance
from ser.data.cache import cached
from ser.errors import SerError, UsageError
from ser.labels import VOCABULARY
from ser.reports.html import PAGE, Section, write_page
from ser.reports.markdown import table
from ser.reports.plots import draw_mfcc, draw_spectrogram, draw_waveform

_SEX_COLOURS = {"female": "#d9772b", "male": "#3b6fb6", "": "#8a8f98"}
_MOST_SPEAKERS = 60  # that a chart has room for


def explore(
    utterances: Sequence[Utterance],
    folder: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> Path:
    """Write plots of a corpus, `counts.txt` and a page that shows them; return the page.

    Args:
        notes: what the page says of the walk, such as files that were left out.
        progress: wraps the utterances as they are read.

    Raises:
        UsageError: no clip can be read.
    """
    measured = _measure(utterances, progress)
    heard = [u for u, seconds in zip(utterances, measured["seconds"], strict=True) if seconds > 0]
    if not heard:
        raise UsageError("none of the clips can be read")
    read = measured["seconds"] > 0
    seconds, loudness = measured["seconds"][read], measured["loudness"][read]
    emotions = [e for e in VOCABULARY if any(u.emotion == e for u in heard)]
    folder.mkdir(parents=True, exist_ok=True)
    _plot_counts(heard, emotions, folder / "counts.png")
    _plot_spread(heard, emotions, seconds, "length, s", folder / "lengths.png")
    _plot_spread(heard, emotions, loudness, "level, dB of full scale", folder / "loudness.png")
    _plot_clips(heard, emotions, seconds, folder / "clips.png")
    counts = _count_rows(heard, emotions)
    voices = _speaker_rows(heard, emotions)
    tables = [table(counts[0], counts[1:]), table(voices[0], voices[1:])]
    text = "\n\n".join("\n".join(lines) for lines in tables)
    (folder / "counts.txt").write_text(f"{text}\n", encoding="utf-8")
    unread = len(utterances) - len(heard)
    speakers = {u.speaker for u in heard if u.speaker}
    write_page(
        folder / PAGE,
        title,
        [
            Section(
                heading="Counts",
                text=f"{len(heard):,} clips of {len(speakers)} known voices, "
                f"{seconds.sum() / 3600:.2f} hours. {unread} could not be read. " + " ".join(notes),
                table=counts,
                images=["counts.png"],
            ),
            Section(heading="Lengths", images=["lengths.png"]),
            Section(heading="Loudness", images=["loudness.png"]),
            Section(
                heading="One clip of each emotion",
                text="Of the clips of the first speaker the one of middle length.",
                images=["clips.png"],
            ),
        ],
    )
    return folder / PAGE


def _measure(
    utterances: Sequence[Utterance],
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]],
) -> dict[str, np.ndarray]:
    """Return each clip's length in seconds and level in dB; 0 and 0 of one that is unreadable."""

    def compute() -> dict[str, np.ndarray]:
        rows = []
        for utterance in progress(utterances):
            try:
                audio = load_audio(utterance.path)
            except (SerError, OSError):
                rows.append((0.0, 0.0))
                continue
            power = float(np.mean(np.square(audio.samples, dtype=np.float64)))
            rows.append((audio.duration, 10 * np.log10(power)))
        seconds, loudness = np.array(rows).reshape(-1, 2).T
        return {"seconds": seconds, "loudness": loudness}

    return cached("explored", [u.path for u in utterances], [], compute)


def _count_rows(heard: Sequence[Utterance], emotions: Sequence[str]) -> list[list[str]]:
    groups = sorted({(u.corpus, u.channel, u.sex) for u in heard})
    counts = Counter((u.corpus, u.channel, u.sex, u.emotion) for u in heard)
    header = ["corpus", "channel", "sex", *emotions, "all"]
    rows = []
    for group in groups:
        own = [counts[*group, emotion] for emotion in emotions]
        corpus, channel, sex = group
        rows.append([corpus, channel, sex or "not known", *map(str, own), str(sum(own))])
    return [header, *rows]


def _speaker_rows(heard: Sequence[Utterance], emotions: Sequence[str]) -> list[list[str]]:
    """Return the counts of every speaker, of whom the chart shows the first alone."""
    sex_of = {u.speaker: u.sex for u in heard}
    counts = Counter((u.speaker, u.emotion) for u in heard)
    rows = []
    for speaker in sorted(sex_of):
        own = [counts[speaker, emotion] for emotion in emotions]
        sex = sex_of[speaker] if speaker else ""
        rows.append([speaker or "not known", sex or "not known", *map(str, own), str(sum(own))])
    return [["speaker", "sex", *emotions, "all"], *rows]


def _plot_counts(heard: Sequence[Utterance], emotions: Sequence[str], path: Path) -> None:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    by_emotion, by_speaker = figure.subplots(1, 2, width_ratios=(2, 3))
    sexes = [sex for sex in _SEX_COLOURS if any(u.sex == sex for u in heard)]
    floor = np.zeros(len(emotions))
    for sex in sexes:
        own = Counter(u.emotion for u in heard if u.sex == sex)
        counts = [own[emotion] for emotion in emotions]
        by_emotion.bar(
            emotions, counts, bottom=floor, color=_SEX_COLOURS[sex], label=sex or "not known"
        )
        floor += counts
    by_emotion.set(ylabel="clips", title="emotions")
    by_emotion.tick_params(axis="x", rotation=45)
    by_emotion.margins(y=0.18)
    by_emotion.legend(loc="upper center", ncols=len(sexes))
    speakers = Counter(u.speaker or "not known" for u in heard)
    sex_of = {u.speaker or "not known": u.sex for u in heard}
    shown = sorted(speakers)[:_MOST_SPEAKERS]
    by_speaker.bar(
        range(len(shown)),
        [speakers[s] for s in shown],
        color=[_SEX_COLOURS[sex_of[s]] for s in shown],
    )
    by_speaker.set_xticks(range(len(shown)), shown, rotation=90, fontsize=7)
    more = (
        f", the first {_MOST_SPEAKERS}; all in counts.txt" if len(speakers) > _MOST_SPEAKERS else ""
    )
    by_speaker.set(ylabel="clips", title=f"speakers ({len(speakers)}{more})")
    figure.savefig(path, dpi=120)


def _plot_spread(
    heard: Sequence[Utterance],
    emotions: Sequence[str],
    values: np.ndarray,
    label: str,
    path: Path,
) -> None:
    """Draw a histogram of all values, and a box for each emotion."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    everything, boxes = figure.subplots(1, 2, width_ratios=(2, 3))
    bins = np.histogram_bin_edges(values, bins=40)
    for corpus in sorted({u.corpus for u in heard}):
        own = values[[u.corpus == corpus for u in heard]]
        everything.hist(own, bins=bins, alpha=0.6, label=f"{corpus} ({len(own):,})")
    everything.set(xlabel=label, ylabel="clips")
    everything.margins(y=0.25)
    everything.legend()
    parts = [values[[u.emotion == emotion for u in heard]] for emotion in emotions]
    boxes.boxplot(parts, tick_labels=list(emotions), showfliers=False)
    boxes.set(ylabel=label)
    boxes.tick_params(axis="x", rotation=45)
    boxes.grid(axis="y", alpha=0.25)
    figure.savefig(path, dpi=120)


def _plot_clips(
    heard: Sequence[Utterance], emotions: Sequence[str], seconds: np.ndarray, path: Path
) -> None:
    """Draw waveform, mel spectrogram and MFCCs of one clip of each emotion."""
    figure = Figure(figsize=(13, 2.1 * len(emotions)), layout="constrained")
    grid = figure.subplots(len(emotions), 3, squeeze=False)
    for axes, emotion in zip(grid, emotions, strict=True):
        clip = _typical(heard, emotion, seconds)
        audio = load_audio(clip.path)
        for draw, one in zip((draw_waveform, draw_spectrogram, draw_mfcc), axes, strict=True):
            draw(one, audio.samples, audio.rate)
        axes[0].set_title(f"{emotion}: {clip.path.name}", loc="left", fontsize=10)
    figure.savefig(path, dpi=100)


def _typical(heard: Sequence[Utterance], emotion: str, seconds: np.ndarray) -> Utterance:
    """Return the clip of middle length among those of the emotion by its first speaker."""
    rows = [i for i, u in enumerate(heard) if u.emotion == emotion]
    first = min(heard[i].speaker for i in rows)
    own = sorted((i for i in rows if heard[i].speaker == first), key=lambda i: seconds[i])
    return heard[own[len(own) // 2]]
