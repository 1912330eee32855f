"""Whether confidences can be fitted on the clips that were held out.

One clip that is answered rightly makes every later answer 100 % sure.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from ser.training.train import Trained

LEAST_CLIPS = 20


def why_not_fitted(held_out: Sequence[str], emotions: Collection[str]) -> str:
    """Return why confidences cannot be fitted on clips that were held out; empty if they can.

    Args:
        held_out: the emotion of each of these clips.
        emotions: those of all clips.
    """
    if (n := len(held_out)) < LEAST_CLIPS:
        clips = "is 1 clip" if n == 1 else f"are {n} clips"
        return f"there {clips} to fit them on, and {LEAST_CLIPS} are needed"
    if len(set(held_out)) == 1 < len(set(emotions)):
        return f"all clips to fit them on are {held_out[0]}"
    return ""


def unfitted(trained: Trained) -> Trained:
    """Return a model with the confidences that it had before any were fitted."""
    return replace(trained, temperature=1.0, uncertain_below=0.0)
