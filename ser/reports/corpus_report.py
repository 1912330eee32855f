"""What a corpus is like: counts, lengths, levels, and one clip of each emotion."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.audio import load_audio
from ser.corpora import Utterance
from ser.data.cache import cached
from ser.data.extraction import fault_line, fault_text, no_clip_readable
from ser.errors import SerError
from ser.filenames import show_path
from ser.labels import VOCABULARY
from ser.reports.html import PAGE, Section, write_page
from ser.reports.rendering import render
from ser.reports.signals import draw_mfcc, draw_spectrogram, draw_waveform

_SEX_COLOURS = {"female": "#d9772b", "male": "#3b6fb6", "": "#8a8f98"}
_MAX_SPEAKERS = 60  # more bars would not fit into the chart


def write_corpus_report(
    utterances: Sequence[Utterance],
    folder: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> Path:
    """Write plots of a corpus, `counts.txt` and a page that shows them; return the page.

    Args:
        notes: added to the page's text, such as which files were left out.
        progress: wraps the utterances while they are read.

    Raises:
        UsageError: none of the clips can be read.
    """
    seconds, level, faults = _measure(utterances, progress)
    readable = faults == ""
    clips = [u for u, can_be_read in zip(utterances, readable, strict=True) if can_be_read]
    if not clips:
        faulty = zip(utterances, faults, strict=True)
        raise no_clip_readable([fault_line(u.path, fault) for u, fault in faulty])
    seconds, level = seconds[readable], level[readable]
    emotions = [e for e in VOCABULARY if any(u.emotion == e for u in clips)]
    folder.mkdir(parents=True, exist_ok=True)
    _plot_counts(clips, emotions, folder / "counts.png")
    _plot_distribution(clips, emotions, seconds, "length, s", folder / "lengths.png")
    _plot_distribution(clips, emotions, level, "level, dB of full scale", folder / "loudness.png")
    _plot_clips(clips, emotions, seconds, folder / "clips.png")
    counts = _count_rows(clips, emotions)
    text = render("corpus_counts.md.j2", by_group=counts, by_speaker=_speaker_rows(clips, emotions))
    (folder / "counts.txt").write_text(text, encoding="utf-8")
    n_speakers = len({u.speaker for u in clips if u.speaker})
    summary = (
        f"{len(clips):,} clips of {n_speakers} known speakers, {seconds.sum() / 3600:.2f} hours. "
        f"{len(utterances) - len(clips)} could not be read."
    )
    sections = [
        Section(
            heading="Counts",
            text=" ".join([summary, *notes]),
            table=counts,
            images=["counts.png"],
        ),
        Section(heading="Length", images=["lengths.png"]),
        Section(heading="Level", images=["loudness.png"]),
        Section(
            heading="One clip of each emotion",
            text="The clip of median length by the first speaker of the emotion.",
            images=["clips.png"],
        ),
    ]
    write_page(folder / PAGE, title, sections)
    return folder / PAGE


def _measure(
    utterances: Sequence[Utterance],
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the length in seconds, the level in dB and "" of each clip; or 0, 0 and the error."""

    def compute() -> dict[str, np.ndarray]:
        rows = []
        for utterance in progress(utterances):
            try:
                audio = load_audio(utterance.path)
            except (SerError, OSError) as error:
                rows.append((0.0, 0.0, fault_text(error)))
                continue
            power = float(np.mean(np.square(audio.samples, dtype=np.float64)))
            rows.append((audio.duration, 10 * np.log10(power), ""))
        seconds, level, faults = zip(*rows, strict=True)
        arrays = {"seconds": np.array(seconds), "loudness": np.array(level)}
        return arrays | {"faults": np.array(faults, str)}

    stored = cached("measured", [u.path for u in utterances], [], compute)
    return stored["seconds"], stored["loudness"], stored["faults"]


def _count_rows(clips: Sequence[Utterance], emotions: Sequence[str]) -> list[list[str]]:
    """Return a header and the counts of each corpus, channel and sex."""
    groups = sorted({(u.corpus, u.channel, u.sex) for u in clips})
    counts = Counter((u.corpus, u.channel, u.sex, u.emotion) for u in clips)
    rows = []
    for corpus, channel, sex in groups:
        own = [counts[corpus, channel, sex, emotion] for emotion in emotions]
        rows.append([corpus, channel, sex or "not known", *map(str, own), str(sum(own))])
    return [["corpus", "channel", "sex", *emotions, "all"], *rows]


def _speaker_rows(clips: Sequence[Utterance], emotions: Sequence[str]) -> list[list[str]]:
    """Return a header and the counts of every speaker; the chart shows only the first ones."""
    sex_of = {u.speaker: u.sex for u in clips}
    counts = Counter((u.speaker, u.emotion) for u in clips)
    rows = []
    for speaker in sorted(sex_of):
        own = [counts[speaker, emotion] for emotion in emotions]
        sex = sex_of[speaker] if speaker else ""
        rows.append([speaker or "not known", sex or "not known", *map(str, own), str(sum(own))])
    return [["speaker", "sex", *emotions, "all"], *rows]


def _plot_counts(clips: Sequence[Utterance], emotions: Sequence[str], path: Path) -> None:
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    by_emotion, by_speaker = figure.subplots(1, 2, width_ratios=(2, 3))
    _draw_emotion_counts(by_emotion, clips, emotions)
    _draw_speaker_counts(by_speaker, clips)
    figure.savefig(path, dpi=120)


def _draw_emotion_counts(axes: Axes, clips: Sequence[Utterance], emotions: Sequence[str]) -> None:
    """Draw the clips of each emotion, one bar stacked by sex."""
    sexes = [sex for sex in _SEX_COLOURS if any(u.sex == sex for u in clips)]
    floor = np.zeros(len(emotions))
    for sex in sexes:
        own = Counter(u.emotion for u in clips if u.sex == sex)
        counts = [own[emotion] for emotion in emotions]
        axes.bar(emotions, counts, bottom=floor, color=_SEX_COLOURS[sex], label=sex or "not known")
        floor += counts
    axes.set(ylabel="clips", title="emotions")
    _tilt_labels(axes)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.18)  # room for the legend
    axes.legend(loc="upper center", ncols=len(sexes))


def _draw_speaker_counts(axes: Axes, clips: Sequence[Utterance]) -> None:
    """Draw the clips of the first `_MAX_SPEAKERS` speakers."""
    counts = Counter(u.speaker or "not known" for u in clips)
    sex_of = {u.speaker or "not known": u.sex for u in clips}
    shown = sorted(counts)[:_MAX_SPEAKERS]
    axes.bar(
        range(len(shown)),
        [counts[s] for s in shown],
        color=[_SEX_COLOURS[sex_of[s]] for s in shown],
    )
    axes.set_xticks(range(len(shown)), shown, rotation=90, fontsize=7)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    cut = f", the first {_MAX_SPEAKERS}; all are in counts.txt"
    title = f"speakers ({len(counts)}{cut if len(counts) > _MAX_SPEAKERS else ''})"
    axes.set(ylabel="clips", title=title)


def _plot_distribution(
    clips: Sequence[Utterance],
    emotions: Sequence[str],
    values: np.ndarray,
    label: str,
    path: Path,
) -> None:
    """Draw a histogram of the values, one colour a corpus, and a box plot for each emotion."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    histogram, boxes = figure.subplots(1, 2, width_ratios=(2, 3))
    bins = np.histogram_bin_edges(values, bins=40)
    for corpus in sorted({u.corpus for u in clips}):
        own = values[[u.corpus == corpus for u in clips]]
        histogram.hist(own, bins=bins, alpha=0.6, label=f"{corpus} ({len(own):,})")
    histogram.set(xlabel=label, ylabel="clips")
    histogram.yaxis.set_major_locator(MaxNLocator(integer=True))
    histogram.margins(y=0.25)  # room for the legend
    histogram.legend()
    parts = [values[[u.emotion == emotion for u in clips]] for emotion in emotions]
    boxes.boxplot(parts, tick_labels=list(emotions), showfliers=False)
    boxes.set(ylabel=label)
    _tilt_labels(boxes)
    boxes.grid(axis="y", alpha=0.25)
    figure.savefig(path, dpi=120)


def _tilt_labels(axes: Axes) -> None:
    for text in axes.get_xticklabels():
        text.set(rotation=45, ha="right", rotation_mode="anchor")


def _plot_clips(
    clips: Sequence[Utterance], emotions: Sequence[str], seconds: np.ndarray, path: Path
) -> None:
    """Draw waveform, mel spectrogram and MFCCs of one clip of each emotion."""
    figure = Figure(figsize=(13, 2.1 * len(emotions)), layout="constrained")
    grid = figure.subplots(len(emotions), 3, squeeze=False)
    for axes, emotion in zip(grid, emotions, strict=True):
        clip = _typical(clips, emotion, seconds)
        audio = load_audio(clip.path)
        for draw, panel in zip((draw_waveform, draw_spectrogram, draw_mfcc), axes, strict=True):
            draw(panel, audio.samples, audio.rate)
        title = f"{emotion}: {show_path(clip.path.name)}"
        axes[0].set_title(title, loc="left", fontsize=10, parse_math=False)
    figure.savefig(path, dpi=100)


def _typical(clips: Sequence[Utterance], emotion: str, seconds: np.ndarray) -> Utterance:
    """Return the clip of median length by the first speaker of an emotion."""
    rows = [i for i, u in enumerate(clips) if u.emotion == emotion]
    first = min(clips[i].speaker for i in rows)
    own = sorted((i for i in rows if clips[i].speaker == first), key=lambda i: seconds[i])
    return clips[own[len(own) // 2]]
