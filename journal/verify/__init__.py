"""Checks of a journal at rest: `verification` reads it, `checks` says what is wrong in one lane."""

from journal.verify.checks import DEATH, Problem
from journal.verify.verification import Report, verify

__all__ = ["DEATH", "Problem", "Report", "verify"]
