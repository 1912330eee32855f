"""The files of corpora: folders and publishers' pages come in, WAV files and utterances go out.

`scan` finds the utterances below a folder, `download` fetches a corpus from its publisher's page
(`sources`), and `convert` turns what was fetched into WAV.
"""
