"""Reports: scores come in; plots, Markdown and HTML pages go out.

The model card is here too. Nothing is imported here: the server needs the card, but must not
load matplotlib.
"""
