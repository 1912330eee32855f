"""`mfcc40-relative`: `mfcc40-frames`, relative to how the speaker sounds in a neutral voice.

Without a reference the mean over the clip is taken away: it depends on the level, the microphone
and the room, but half of the emotion goes with it.
"""

from dataclasses import replace

from ser.features import mfcc40_frames

FEATURES = replace(mfcc40_frames.FEATURES, name="mfcc40-relative", relative=True)
