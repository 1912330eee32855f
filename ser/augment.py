"""Making more of the training clips: other voices, rooms and microphones; after the split only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.features.mfcc40_frames import cepstra, fill


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How the spectrograms of training clips are changed; each batch anew.

    Attributes:
        speeds: of each corpus, the speeds at which its clips are played by resampling: pitch,
            formants and tempo go together, which makes new speakers.
        second: the corpus that fills `second_share` of each batch, whatever its size.
        frames: length of a training window.
        repeated: emotions that a pass over the clips brings twice.
        noise, snr_db: probability of coloured noise, and its range of levels.
        band: probability of a low-pass, as by a codec or a cheap microphone.
        masks: probability of a masked stretch of time, and of one of frequency.
    """

    speeds: Mapping[str, Sequence[float]]
    frames: int
    second: str = ""
    second_share: float = 0.0
    repeated: tuple[str, ...] = ()
    noise: float = 0.0
    snr_db: tuple[float, float] = (10, 40)
    band: float = 0.0
    masks: float = 0.0


@dataclass(frozen=True)
class TrainingClips:
    """The spectrograms to train on.

    Attributes:
        spectra: of each clip, of each speed, shape (frames, n_mels), dB.
        labels: label index of each clip.
        second: whether a clip is of the second corpus.
        repeated: label indices of the repeated emotions.
    """

    spectra: Sequence[Sequence[np.ndarray]]
    labels: np.ndarray
    second: np.ndarray
    repeated: frozenset[int] = field(default_factory=frozenset)

    def only(self, rows: np.ndarray) -> "TrainingClips":
        """Return the clips of some rows."""
        return replace(
            self,
            spectra=[self.spectra[i] for i in rows],
            labels=self.labels[rows],
            second=self.second[rows],
        )


def batches(
    clips: TrainingClips, augmentation: Augmentation, *, batch_size: int, n_mfcc: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches without end: features (batch, frames, n_mfcc), and label indices (batch,)."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(~clips.second), np.flatnonzero(clips.second)]
    n_second = round(batch_size * augmentation.second_share) if len(rows[1]) else 0
    sizes = (batch_size - n_second, n_second) if len(rows[0]) else (0, batch_size)
    draws = [_draw(clips, r, rng) for r in rows]
    while True:
        chosen = [next(d) for d, size in zip(draws, sizes, strict=True) for _ in range(size)]
        windows = np.stack([_window(clips.spectra[i], augmentation, rng) for i in chosen])
        yield cepstra(windows, n_mfcc=n_mfcc), clips.labels[chosen]


def _draw(clips: TrainingClips, rows: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield row numbers without end, each once a pass, and those of repeated emotions twice."""
    twice = [row for row in rows if clips.labels[row] in clips.repeated]
    while True:
        yield from rng.permutation([*rows, *twice]).tolist()


def _window(
    speeds: Sequence[np.ndarray], augmentation: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    mel_db = speeds[int(rng.integers(len(speeds)))]
    length = augmentation.frames
    last = len(mel_db) if len(mel_db) < length else len(mel_db) - length + 1
    window = fill(mel_db, length, int(rng.integers(last))).astype(np.float32)
    if rng.random() < augmentation.noise:
        window = _with_noise(window, rng.uniform(*augmentation.snr_db), rng)
    if rng.random() < augmentation.band:
        window = _band_limited(window, rng)
    return _masked(window, augmentation.masks, rng)


def _with_noise(mel_db: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise of a random colour, as power in the mel bands."""
    bands = np.arange(mel_db.shape[1]) / mel_db.shape[1]
    tilt = 10 ** (rng.uniform(-40, 5) * bands / 10)
    # A mel band sums the more bins of the spectrum, and fluctuates the less, the higher it is.
    degrees = np.linspace(1, 4, mel_db.shape[1])
    noise = tilt * rng.standard_gamma(degrees, mel_db.shape) / degrees
    power = 10 ** (mel_db / 10)
    noise *= power.mean() / noise.mean() / 10 ** (snr_db / 10)
    return (10 * np.log10(power + noise + 1e-10)).astype(np.float32)


def _band_limited(mel_db: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n_mels = mel_db.shape[1]
    cut, slope = rng.integers(n_mels // 2, n_mels), rng.uniform(3, 30)
    return mel_db - np.minimum(90, slope * np.maximum(0, np.arange(n_mels) - cut + 1)).astype("f4")


def _masked(mel_db: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    """Set a stretch of time, and one of frequency, to the mean (SpecAugment, arXiv 1904.08779)."""
    for axis in (0, 1):
        if rng.random() < probability:
            size = mel_db.shape[axis]
            width = int(rng.integers(1, max(2, size // 8)))
            start = int(rng.integers(size - width))
            mel_db = mel_db.copy()
            mel_db[(slice(None),) * axis + (slice(start, start + width),)] = mel_db.mean()
    return mel_db
