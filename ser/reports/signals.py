"""Plots of a recording: waveform, mel spectrogram, MFCCs, and its answer."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ser.features.mel import RANGE_DB, mel_power, mfcc, to_db
from ser.features.statistics import FRAME
from ser.inference.prediction import Prediction

_INK, _BLUE = "#1f2430", "#3b6fb6"


def plot_recording(samples: np.ndarray, rate: int, answer: Prediction, path: Path) -> None:
    """Draw the waveform and the mel spectrogram of a recording, and its probabilities.

    Dotted lines are the borders of the segments.

    Args:
        samples: shape (n,), float32, at `rate` in Hz.
    """
    figure = Figure(figsize=(10, 5), layout="constrained")
    figure.suptitle(f"{answer.emotion} ({answer.confidence:.0%}), {answer.duration:.1f} s")
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1))
    wave = figure.add_subplot(grid[0, 0])
    draw_waveform(wave, samples, rate)
    draw_spectrogram(figure.add_subplot(grid[1, 0], sharex=wave), samples, rate)
    for segment in answer.segments[1:]:
        wave.axvline(segment.start, color=_INK, linewidth=0.8, linestyle=":")
    bars = figure.add_subplot(grid[:, 1])
    bars.barh([*answer.probabilities], [*answer.probabilities.values()], color=_BLUE)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability")
    bars.xaxis.set_major_formatter(PercentFormatter(1))
    figure.savefig(path, dpi=120)


def draw_waveform(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw samples of shape (n,) over time; `rate` is in Hz."""
    axes.plot(np.arange(len(samples)) / rate, samples, color=_BLUE, linewidth=0.4)
    peak = max(1e-6, float(np.abs(samples).max()))
    axes.set(xlim=(0, len(samples) / rate), ylim=(-1.1 * peak, 1.1 * peak), ylabel="amplitude")


def draw_spectrogram(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the mel spectrogram, in dB, of samples of shape (n,) over time; `rate` is in Hz."""
    mel_db = to_db(mel_power(samples.astype(np.float32), sample_rate=rate, **FRAME))
    floor = mel_db.max() - RANGE_DB
    _draw_frames(axes, mel_db, len(samples) / rate, "mel band", cmap="magma", vmin=floor)


def draw_mfcc(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the MFCCs 1 to 12 of samples of shape (n,) over time; `rate` is in Hz.

    MFCC 0 is left out: it is the level, so large that the others would not be seen.
    """
    mel_db = to_db(mel_power(samples.astype(np.float32), sample_rate=rate, **FRAME))
    frames = mfcc(mel_db, n_mfcc=13)[:, 1:]
    limit = np.percentile(np.abs(frames), 98)
    colours = {"cmap": "coolwarm", "vmin": -limit, "vmax": limit}
    _draw_frames(axes, frames, len(samples) / rate, "MFCC", first_row=1, **colours)


def _draw_frames(
    axes: Axes,
    frames: np.ndarray,
    seconds: float,
    label: str,
    *,
    first_row: int = 0,
    **options: Any,
) -> None:
    """Draw frames of shape (frames, rows) as an image; `first_row` numbers the lowest row."""
    extent = (0, seconds, first_row - 0.5, first_row + frames.shape[1] - 0.5)
    axes.imshow(frames.T, origin="lower", aspect="auto", extent=extent, **options)
    axes.set(xlabel="time, s", ylabel=label)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
