"""The structure of file formats: frames of MPEG and its kin, Ogg pages, RIFF chunks.

They are read from untrusted bytes, without a decoder, in a bounded number of steps.
"""
