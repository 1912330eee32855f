"""Timelines: a prediction comes in, captions, labels or a table go out; and captions become cues.

`TIMELINE_FORMS` are the forms that other programs read. `read_cues` reads captions.
"""

from ser.timeline.captions import read_cues
from ser.timeline.forms import TIMELINE_FORMS, TimelineForm
from ser.timeline.spans import Timeline, timeline_of
from ser.timeline.table import Table

__all__ = [
    "TIMELINE_FORMS",
    "Table",
    "Timeline",
    "TimelineForm",
    "read_cues",
    "timeline_of",
]
