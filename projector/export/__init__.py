"""Conversations in the formats of other programs: `projector export`, and the same in Python.

`reading` reads sessions in pages, without secrets; `detail` leaves out what is not asked for. A
format (`formats`) turns a stream of `Conversation` into pieces of text. Nothing here holds more of
a session than a page.
"""
