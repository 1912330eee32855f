"""Augmentation of spectrograms: other voices, rooms, noise and microphones, drawn for each batch.

Only training clips are augmented, after the split.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.augmentation import recording
from ser.features.mel import mfcc

_BABBLE_CLIPS = 200  # drawn once, because that is slow; a window gets random excerpts
_BABBLE_VOICES = (3, 9)  # at least 3, fewer than 9
_REFERENCE_CLIPS = (1, 4)  # at least 1, fewer than 4
_REFERENCE_WINDOWS = 3  # a reference has frames of so many windows


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How each batch changes the spectrograms of training clips.

    Attributes:
        speeds: by corpus, the factors of speed perturbation: a clip is resampled, so that
            pitch, formants and tempo change together, as in another speaker.
        telephone: by corpus, the factors at which its clips also come over a telephone line.
        auxiliary: the corpus that fills `auxiliary_fraction` of each batch, whatever its size;
            "" for none.
        frames: length of a training window.
        oversampled: emotions whose clips come twice in each pass.
        tempo: a window is up to this fraction slower or faster; its pitch stays.
        shift: the spectrum moves by up to this many mel bands, up or down.
        room: probability of reverberation.
        noise: probability of coloured noise.
        snr_db: range of its signal-to-noise ratio.
        babble: probability of babble noise, several other training clips at once.
        babble_db: range of its signal-to-noise ratio.
        band: probability of a band limit, as of a codec, a telephone or a cheap microphone.
        mask: a block of frames and a block of mel bands, each up to this fraction of all, are
            set to the mean over time (SpecAugment, arXiv 1904.08779).
        reference: probability that the network hears a window relative to neutral clips of the
            same speaker, which then have the same speed, room, noise and line. Of relative
            features only; without it, and for a speaker without another neutral clip, a window is
            relative to its own mean.
    """

    speeds: Mapping[str, Sequence[float]]
    frames: int
    telephone: Mapping[str, Sequence[float]] = field(default_factory=dict)
    auxiliary: str = ""
    auxiliary_fraction: float = 0.0
    oversampled: tuple[str, ...] = ()
    tempo: float = 0.0
    shift: float = 0.0
    room: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (10, 40)
    babble: float = 0.0
    babble_db: tuple[float, float] = (8, 30)
    band: float = 0.0
    mask: float = 0.0
    reference: float = 0.0


@dataclass(frozen=True)
class SpectrogramSet:
    """The spectrograms to train on.

    Attributes:
        spectra: for each clip, one spectrogram per speed, also over the telephone; shape
            (frames, n_mels), dB.
        labels: label index of each clip.
        auxiliary: whether each clip is of the auxiliary corpus.
        oversampled: label indices of the oversampled emotions.
        speakers: of each clip; "" if it is not known. None if no reference is drawn.
        neutral: whether each clip may be part of a reference; shape (clips,), bool.
    """

    spectra: Sequence[Sequence[np.ndarray]]
    labels: np.ndarray
    auxiliary: np.ndarray
    oversampled: frozenset[int] = field(default_factory=frozenset)
    speakers: np.ndarray | None = None
    neutral: np.ndarray | None = None

    def only(self, rows: np.ndarray) -> "SpectrogramSet":
        """Return some of the clips, by their row numbers."""
        return replace(
            self,
            spectra=[self.spectra[i] for i in rows],
            labels=self.labels[rows],
            auxiliary=self.auxiliary[rows],
            speakers=None if self.speakers is None else self.speakers[rows],
            neutral=None if self.neutral is None else self.neutral[rows],
        )

    def neutral_rows(self) -> list[np.ndarray]:
        """Return for each clip the row numbers of the other neutral clips of its speaker."""
        if self.speakers is None or self.neutral is None:
            return [np.empty(0, int)] * len(self.labels)
        of_speaker = {
            speaker: np.flatnonzero((self.speakers == speaker) & self.neutral)
            for speaker in set(self.speakers.tolist()) - {""}
        }
        none = np.empty(0, int)
        pools = (of_speaker.get(speaker, none) for speaker in self.speakers.tolist())
        return [pool[pool != row] for row, pool in enumerate(pools)]


def batches(
    clips: SpectrogramSet,
    augmentation: Augmentation,
    *,
    batch_size: int,
    n_mfcc: int,
    seed: int,
    relative: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training batches without end.

    Args:
        seed: the same seed gives the same batches.
        relative: whether the features are, see `ser.features.base.FeatureSet`.

    Yields:
        features, shape (batch_size, frames, n_mfcc), float32, and label indices,
        shape (batch_size,).
    """
    rng = np.random.default_rng(seed)
    main, auxiliary = np.flatnonzero(~clips.auxiliary), np.flatnonzero(clips.auxiliary)
    n_auxiliary = round(batch_size * augmentation.auxiliary_fraction) if len(auxiliary) else 0
    sizes = (batch_size - n_auxiliary, n_auxiliary) if len(main) else (0, batch_size)
    streams = [_row_stream(clips, rows, rng) for rows in (main, auxiliary)]
    changes = _Changes(clips, augmentation, rng)
    neutral = clips.neutral_rows() if augmentation.reference else None
    while True:
        chosen = [next(s) for s, size in zip(streams, sizes, strict=True) for _ in range(size)]
        drawn = [changes.draw(i, neutral[i] if neutral else ()) for i in chosen]
        x = mfcc(np.stack([window for window, _ in drawn]), n_mfcc=n_mfcc)
        if relative:
            x -= np.stack(
                [
                    (own if reference is None else mfcc(reference, n_mfcc=n_mfcc)).mean(axis=0)
                    for own, (_, reference) in zip(x, drawn, strict=True)
                ]
            )[:, np.newaxis]
        yield x, clips.labels[chosen]


def _row_stream(clips: SpectrogramSet, rows: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield row numbers without end: each pass is a new order, oversampled emotions twice."""
    extra = [row for row in rows if clips.labels[row] in clips.oversampled]
    while True:
        yield from rng.permutation([*rows, *extra]).tolist()


class _Changes:
    """Draws windows of clips, augmented."""

    def __init__(
        self, clips: SpectrogramSet, augmentation: Augmentation, rng: np.random.Generator
    ) -> None:
        self._spectra, self._augmentation, self._rng = clips.spectra, augmentation, rng
        self._white_noise = recording.white_noise_power(clips.spectra[0][0].shape[1], rng)
        # A window and its reference are changed together.
        frames = augmentation.frames * (2 if augmentation.reference else 1)
        self._babble = self._babble_pool(frames) if augmentation.babble else self._white_noise

    def draw(
        self, row: int, neutral: np.ndarray | Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a window of one clip at a random speed, and a reference or None.

        Args:
            neutral: rows of clips that may be the reference.

        Returns:
            both of shape (frames, n_mels), dB.
        """
        change, rng = self._augmentation, self._rng
        speed = int(rng.integers(len(self._spectra[row])))
        window = _at_tempo(self._spectra[row][speed], change.frames, change.tempo, rng)
        if not len(neutral) or rng.random() >= change.reference:
            return self._masked(self._recorded(window)), None
        reference = self._reference(np.asarray(neutral), speed)
        both = self._recorded(np.concatenate([window, reference]))
        return self._masked(both[: len(window)]), both[len(window) :]

    def _reference(self, neutral: np.ndarray, speed: int) -> np.ndarray:
        """Return frames of some neutral clips at the speed of this number, at most a window."""
        n = min(int(self._rng.integers(*_REFERENCE_CLIPS)), len(neutral))
        length = self._augmentation.frames
        spectra = [self._spectra[i] for i in self._rng.choice(neutral, n, replace=False)]
        frames = np.concatenate([clip[min(speed, len(clip) - 1)] for clip in spectra])
        frames = frames[: _REFERENCE_WINDOWS * length]
        kept = np.linspace(0, len(frames) - 1, min(len(frames), length)).astype(int)
        return frames[kept].astype(np.float32)

    def _recorded(self, mel_db: np.ndarray) -> np.ndarray:
        """Return a spectrogram as another microphone in another room would record it."""
        change, rng = self._augmentation, self._rng
        if change.shift:
            mel_db = recording.shifted(mel_db, rng.uniform(-change.shift, change.shift))
        if rng.random() < change.room:
            mel_db = recording.in_room(mel_db, self._white_noise, rng)
        if rng.random() < change.noise:
            noise = recording.coloured(self._white_noise, mel_db.shape, rng)
            mel_db = recording.mixed(mel_db, noise, rng.uniform(*change.snr_db))
        if rng.random() < change.babble:
            n_voices = rng.integers(*_BABBLE_VOICES)
            voices = [recording.excerpt(self._babble, len(mel_db), rng) for _ in range(n_voices)]
            mel_db = recording.mixed(mel_db, np.sum(voices, axis=0), rng.uniform(*change.babble_db))
        if rng.random() < change.band:
            mel_db = recording.band_limited(mel_db, rng)
        return mel_db

    def _masked(self, window: np.ndarray) -> np.ndarray:
        fraction = self._augmentation.mask
        return _masked(window, fraction, self._rng) if fraction else window

    def _babble_pool(self, min_frames: int) -> np.ndarray:
        """Return the power of random clips, end to end: shape (frames, n_mels), mean 1 each."""
        voices: list[np.ndarray] = []
        while len(voices) < _BABBLE_CLIPS or sum(map(len, voices)) < min_frames:
            speeds = self._spectra[int(self._rng.integers(len(self._spectra)))]
            power = recording.to_power(speeds[int(self._rng.integers(len(speeds)))])
            voices.append(power / power.mean())
        return np.concatenate(voices)


def _at_tempo(
    mel_db: np.ndarray, length: int, tempo: float, rng: np.random.Generator
) -> np.ndarray:
    """Cut a window at a random start and tempo; a clip that is too short is repeated."""
    rate = 1 + rng.uniform(-tempo, tempo)
    n = max(1, int(len(mel_db) / rate))
    start = int(rng.integers(n if n < length else n - length + 1))
    frames = ((start + np.arange(length)) % n * rate).astype(int)
    return mel_db[np.minimum(frames, len(mel_db) - 1)].astype(np.float32)


def _masked(mel_db: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Set a random block of mel bands, and one of frames, to the mean over time."""
    masked, mean = mel_db.copy(), mel_db.mean(axis=0)
    n_frames, n_mels = mel_db.shape
    width = int(rng.integers(max(1, int(fraction * n_mels))))
    start = int(rng.integers(n_mels - width))
    masked[:, start : start + width] = mean[start : start + width]
    width = int(rng.integers(max(1, int(fraction * n_frames))))
    start = int(rng.integers(n_frames - width))
    masked[start : start + width] = mean
    return masked
