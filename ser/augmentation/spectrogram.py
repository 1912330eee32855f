"""Augmentation of spectrograms: how training clips are changed, and the clips themselves.

Only training clips are augmented, after the split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np


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
        balanced: corpora and emotions are balanced as `sampling.balanced` says, in place of
            `auxiliary_fraction` and `oversampled`.
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
    balanced: bool = False
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
        corpora: of each clip; None if clips are not balanced.
        speakers: of each clip; "" if it is not known. None if no reference is drawn and clips are
            not balanced.
        neutral: whether each clip may be part of a reference; shape (clips,), bool.
    """

    spectra: Sequence[Sequence[np.ndarray]]
    labels: np.ndarray
    auxiliary: np.ndarray
    oversampled: frozenset[int] = field(default_factory=frozenset)
    corpora: np.ndarray | None = None
    speakers: np.ndarray | None = None
    neutral: np.ndarray | None = None

    def only(self, rows: np.ndarray) -> "SpectrogramSet":
        """Return some of the clips, by their row numbers."""
        arrays = ("labels", "auxiliary", "corpora", "speakers", "neutral")
        given = {name: array for name in arrays if (array := getattr(self, name)) is not None}
        return replace(
            self,
            spectra=[self.spectra[i] for i in rows],
            **{name: array[rows] for name, array in given.items()},
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
