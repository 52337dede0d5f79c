"""Compares what was imported with an independent reading of the raw files, text by text.

Readers here know the formats of other programs from their descriptions and files. They share no
code with the importers, so that an importer and its check do not have the same fault.

    python -m tools.texts_check ../shared/data
"""
