"""Reports: figures come in; plots, Markdown and HTML pages go out.

The model card is here, too: it is written from what the model file carries.
"""
