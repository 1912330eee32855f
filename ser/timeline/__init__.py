"""Timelines: a prediction comes in, captions, labels or a table go out; and captions become cues.

`TIMELINE_FORMS` are the forms that other programs read. `read_cues` reads captions.
"""

from ser.timeline.captions import read_cues
from ser.timeline.forms import TIMELINE_FORMS, TimelineForm
from ser.timeline.spans import Timeline, timeline_of
from ser.timeline.table import Table
from ser.timeline.text import cue_lines
from ser.timeline.writers import CAPTIONS, caption_writer, table_writer

__all__ = [
    "CAPTIONS",
    "TIMELINE_FORMS",
    "Table",
    "Timeline",
    "TimelineForm",
    "caption_writer",
    "cue_lines",
    "read_cues",
    "table_writer",
    "timeline_of",
]
