"""What a user of the server may publish and subscribe to: one machine, and no more."""

from __future__ import annotations

import orjson

ADMIN = "admin"
"""The user that makes the stream; no machine may have this name."""


def publishes(fleet: str, user: str, *, keeps: bool) -> list[str]:
    """Return the subjects that a machine may publish to.

    Args:
        fleet: name of the fleet.
        user: the machine's user.
        keeps: whether it may send what other machines wrote.
    """
    stream = f"AJ_{fleet}"
    return [
        f"aj.{fleet}.seg.>" if keeps else f"aj.{fleet}.seg.{user}.>",
        f"aj.{fleet}.have.{user}",
        f"aj.{fleet}.read.*",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.STREAM.MSG.DELETE.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.>",
        f"$JS.API.CONSUMER.DELETE.{stream}.>",
        "$JS.FC.>",
    ]


def subscribes(fleet: str, user: str) -> list[str]:
    """Return the subjects that a machine may subscribe to."""
    return [f"_INBOX_{user}.>", f"aj.{fleet}.have.*", f"aj.{fleet}.read.*"]


def permissions(fleet: str, user: str, *, keeps: bool) -> str:
    """Return the permissions of a user as the server's configuration has them.

    `allow_responses` lets a machine answer what others read from it.
    """
    if user == ADMIN:
        stream = f"AJ_{fleet}"
        allowed = [f"$JS.API.STREAM.{what}.{stream}" for what in ("INFO", "CREATE", "UPDATE")]
        allowed += [f"$JS.API.STREAM.{what}.{stream}" for what in ("DELETE", "PURGE")]
        allowed += [f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", "$JS.API.INFO"]
        heard = [f"_INBOX_{user}.>"]
    else:
        allowed, heard = publishes(fleet, user, keeps=keeps), subscribes(fleet, user)
    return (
        f"{{ publish: {{ allow: {orjson.dumps(allowed).decode()} }},"
        f" subscribe: {{ allow: {orjson.dumps(heard).decode()} }}, allow_responses: true }}"
    )
