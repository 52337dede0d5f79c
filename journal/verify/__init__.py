"""Checks of a journal at rest: `verification` reads it, `checks` finds the problems of one lane."""

from journal.verify.checks import DEATH, Problem
from journal.verify.verification import Report, verify

__all__ = ["DEATH", "Problem", "Report", "verify"]
