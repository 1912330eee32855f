"""Making more of the training clips: other voices, rooms and microphones; after the split only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.features.mel import mfcc

_NEPER = np.float32(np.log(10) / 10)  # of a dB
_NOISE_FRAMES = 5000  # drawn once, for it is slow; noise comes from random stretches of it
_BABBLE_CLIPS = 200  # likewise
_VOICES = (3, 9)  # of babble: at least, and less than
_DECAY_DB = (1.5, 7)  # of a room, per frame: reverberation of 0.2 to 0.9 s at 23 ms a frame
_WET_DB = (-10, 8)  # power of a room's echoes, relative to what is heard straight


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How the spectrograms of training clips are changed; each batch anew.

    Attributes:
        speeds: of each corpus, the speeds at which its clips are played by resampling: pitch,
            formants and tempo go together, which makes new speakers.
        telephone: of each corpus, the speeds at which they are also heard over a telephone line.
        second: the corpus that fills `second_share` of each batch, whatever its size.
        frames: length of a training window.
        repeated: emotions that a pass over the clips brings twice.
        tempo: a window is played up to this share slower or faster, its pitch kept.
        shift: its mel bands are shifted by up to this many, up or down.
        room: probability of reverberation.
        noise, snr_db: probability of coloured noise, and its range of levels.
        babble, babble_db: likewise of other voices: training clips, several at once.
        band: probability of a band limit, as by a codec, a telephone or a cheap microphone.
        mask: one stretch of time and one of the mel bands, each up to this share of all, are
            set to the mean over time (SpecAugment, arXiv 1904.08779).
    """

    speeds: Mapping[str, Sequence[float]]
    frames: int
    telephone: Mapping[str, Sequence[float]] = field(default_factory=dict)
    second: str = ""
    second_share: float = 0.0
    repeated: tuple[str, ...] = ()
    tempo: float = 0.0
    shift: float = 0.0
    room: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (10, 40)
    babble: float = 0.0
    babble_db: tuple[float, float] = (8, 30)
    band: float = 0.0
    mask: float = 0.0


@dataclass(frozen=True)
class SpectrogramSet:
    """The spectrograms to train on.

    Attributes:
        spectra: of each clip, of each speed and line, shape (frames, n_mels), dB.
        labels: label index of each clip.
        second: whether a clip is of the second corpus.
        repeated: label indices of the repeated emotions.
    """

    spectra: Sequence[Sequence[np.ndarray]]
    labels: np.ndarray
    second: np.ndarray
    repeated: frozenset[int] = field(default_factory=frozenset)

    def only(self, rows: np.ndarray) -> "SpectrogramSet":
        """Return the clips of some rows."""
        return replace(
            self,
            spectra=[self.spectra[i] for i in rows],
            labels=self.labels[rows],
            second=self.second[rows],
        )


def batches(
    clips: SpectrogramSet, augmentation: Augmentation, *, batch_size: int, n_mfcc: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches without end: features (batch, frames, n_mfcc), and label indices (batch,)."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(~clips.second), np.flatnonzero(clips.second)]
    n_second = round(batch_size * augmentation.second_share) if len(rows[1]) else 0
    sizes = (batch_size - n_second, n_second) if len(rows[0]) else (0, batch_size)
    draws = [_draw(clips, r, rng) for r in rows]
    white_noise = _white_noise(clips.spectra[0][0].shape[1], rng)
    babble_pool = (
        _babble_pool(clips, augmentation.frames, rng) if augmentation.babble else white_noise
    )
    while True:
        chosen = [next(d) for d, size in zip(draws, sizes, strict=True) for _ in range(size)]
        windows = np.stack(
            [_window(clips.spectra[i], augmentation, white_noise, babble_pool, rng) for i in chosen]
        )
        yield mfcc(windows, n_mfcc=n_mfcc), clips.labels[chosen]


def _draw(clips: SpectrogramSet, rows: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield row numbers without end, each once a pass, and those of repeated emotions twice."""
    twice = [row for row in rows if clips.labels[row] in clips.repeated]
    while True:
        yield from rng.permutation([*rows, *twice]).tolist()


def _white_noise(n_mels: int, rng: np.random.Generator) -> np.ndarray:
    """Return the power of white noise in mel bands, (_NOISE_FRAMES, n_mels): mean 1."""
    # A mel band sums the more bins of the spectrum, and fluctuates the less, the higher it is.
    degrees = np.linspace(1, 4, n_mels, dtype=np.float32)
    return rng.standard_gamma(degrees, (_NOISE_FRAMES, n_mels), np.float32) / degrees


def _babble_pool(clips: SpectrogramSet, at_least: int, rng: np.random.Generator) -> np.ndarray:
    """Return the power of voices end to end in mel bands, (frames, n_mels): of each, mean 1."""
    voices: list[np.ndarray] = []
    while len(voices) < _BABBLE_CLIPS or sum(map(len, voices)) < at_least:
        speeds = clips.spectra[int(rng.integers(len(clips.spectra)))]
        power = np.exp(speeds[int(rng.integers(len(speeds)))] * _NEPER)
        voices.append(power / power.mean())
    return np.concatenate(voices)


def _window(
    speeds: Sequence[np.ndarray],
    augmentation: Augmentation,
    white_noise: np.ndarray,
    babble_pool: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    mel_db = speeds[int(rng.integers(len(speeds)))]
    window = _at_tempo(mel_db, augmentation.frames, augmentation.tempo, rng)
    if augmentation.shift:
        window = _shifted(window, rng.uniform(-augmentation.shift, augmentation.shift))
    if rng.random() < augmentation.room:
        window = _in_room(window, white_noise, rng)
    if rng.random() < augmentation.noise:
        window = _mixed(
            window, _coloured(white_noise, window.shape, rng), rng.uniform(*augmentation.snr_db)
        )
    if rng.random() < augmentation.babble:
        voices = [_excerpt(babble_pool, len(window), rng) for _ in range(rng.integers(*_VOICES))]
        babble = np.sum(voices, axis=0)
        window = _mixed(window, babble, rng.uniform(*augmentation.babble_db))
    if rng.random() < augmentation.band:
        window = _band_limited(window, rng)
    return _masked(window, augmentation.mask, rng) if augmentation.mask else window


def _at_tempo(
    mel_db: np.ndarray, length: int, tempo: float, rng: np.random.Generator
) -> np.ndarray:
    """Take a window from a random start at a random tempo; a short voice goes round."""
    rate = 1 + rng.uniform(-tempo, tempo)
    n = max(1, int(len(mel_db) / rate))
    start = int(rng.integers(n if n < length else n - length + 1))
    frames = ((start + np.arange(length)) % n * rate).astype(int)
    return mel_db[np.minimum(frames, len(mel_db) - 1)].astype(np.float32)


def _shifted(mel_db: np.ndarray, bands: float) -> np.ndarray:
    """Move the spectrum by a number of mel bands, between bands by interpolation."""
    n_mels = mel_db.shape[1]
    at = np.clip(np.arange(n_mels) + bands, 0, n_mels - 1.001)
    low, part = at.astype(int), (at % 1).astype(np.float32)
    return mel_db[:, low] * (1 - part) + mel_db[:, low + 1] * part


def _in_room(mel_db: np.ndarray, white_noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add echoes that die away: a tail of noise behind each frame, as power in the mel bands."""
    n_frames = len(mel_db)
    decay = 10 ** (-rng.uniform(*_DECAY_DB) / 10 * np.arange(n_frames))
    decay[0] = 0  # straight sound is no echo
    behind = np.subtract.outer(np.arange(n_frames), np.arange(n_frames))
    echoes = np.where(behind > 0, decay[behind], 0) * (10 ** (rng.uniform(*_WET_DB) / 10))
    power = np.exp(mel_db * _NEPER)
    tail = (echoes / decay.sum()).astype(np.float32) @ power
    return _to_db(power + tail * _excerpt(white_noise, n_frames, rng))


def _coloured(
    white_noise: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Return a stretch of noise of a random colour."""
    n_frames, n_mels = shape
    colour = 10 ** (rng.uniform(-40, 5) * np.arange(n_mels) / n_mels / 10)
    return _excerpt(white_noise, n_frames, rng) * colour.astype(np.float32)


def _excerpt(sound: np.ndarray, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    start = int(rng.integers(len(sound) - n_frames + 1))
    return sound[start : start + n_frames]


def _mixed(mel_db: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise, given as power in the mel bands."""
    power = np.exp(mel_db * _NEPER)
    return _to_db(power + noise * (power.mean() / noise.mean() / np.float32(10 ** (snr_db / 10))))


def _to_db(power: np.ndarray) -> np.ndarray:
    return np.log(power + np.float32(1e-10)) / _NEPER


def _band_limited(mel_db: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    bands = np.arange(mel_db.shape[1])
    low, high = rng.integers(len(bands) // 6), rng.integers(len(bands) // 2, len(bands))
    above = rng.uniform(3, 30) * np.maximum(0, bands - high + 1)
    below = rng.uniform(1, 15) * np.maximum(0, low - bands)
    return (mel_db - np.minimum(90, above + below)).astype(np.float32)


def _masked(mel_db: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    masked, mean = mel_db.copy(), mel_db.mean(axis=0)
    n_frames, n_mels = mel_db.shape
    width = int(rng.integers(max(1, int(share * n_mels))))
    start = int(rng.integers(n_mels - width))
    masked[:, start : start + width] = mean[start : start + width]
    width = int(rng.integers(max(1, int(share * n_frames))))
    start = int(rng.integers(n_frames - width))
    masked[start : start + width] = mean
    return masked
