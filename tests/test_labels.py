"""The emotions on the plane of arousal and valence."""

import pytest

from ser.labels import (
    AROUSAL_VALENCE,
    CALM_UP_TO,
    LIVELY_FROM,
    VOCABULARY,
    arousal_valence_of,
)
from ser.models.label_sets import LABEL_SETS


def test_every_emotion_has_a_point():
    assert set(AROUSAL_VALENCE) == set(VOCABULARY)
    assert all(-1 <= x <= 1 for point in AROUSAL_VALENCE.values() for x in point)


def test_lively_emotions_lie_above_calm_ones():
    arousal = {emotion: point[0] for emotion, point in AROUSAL_VALENCE.items()}
    lively = [arousal[e] for e in ("angry", "happy", "fear", "surprise")]
    assert min(lively) > max(LIVELY_FROM, arousal["disgust"])
    calm = [arousal[e] for e in ("neutral", "calm", "sad", "boredom")]
    assert max(calm) < arousal["disgust"]
    assert min(calm) < CALM_UP_TO < 0 < LIVELY_FROM


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        (("happy", "sad"), [(0.51, 0.81), (-0.27, -0.63)]),
        (("Anger", "Pleasant surprise"), [(0.59, -0.51), (0.67, 0.40)]),
        (("female calm", "male calm"), [(-0.30, 0.55)] * 2),
        (("positive", "negative"), None),
        (("happy", "sad", "other"), None),
    ],
)
def test_labels_have_points_if_all_are_emotions(labels, points):
    assert arousal_valence_of(labels) == points


def test_of_the_label_sets_only_those_of_two_and_three_have_no_points():
    without = {name for name, s in LABEL_SETS.items() if arousal_valence_of(s.labels) is None}
    assert without == {"2", "3"}
