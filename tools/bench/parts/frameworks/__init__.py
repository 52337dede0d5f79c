"""Stores of agent frameworks under stress: the framework's own, and the one on a journal.

`stress.py` is the part and starts a role in each framework's environment; `acts.py` is that role;
`sides/` opens the stores; `counting.py` compares what was added with what is there; `waits.py`
times calls.
"""
