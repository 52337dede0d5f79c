"""Where sessions of ADK are: their names, namespaces and keys, and their state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.adk.sessions import State

from journal import new_event
from projector.adapters.naming import joined, split

if TYPE_CHECKING:
    from projector.store import KeyView

SOURCE = "google-adk"
"""Source of the sessions."""
SESSIONS = "@adk:"
"""Beginning of the namespaces of sessions: key `created`, keys `e/<number>` of their events, and
`s/<name>` of their state."""
STATES = "@adk.state"
"""The namespace of what sessions share: keys `app/<app>/<name>` and `user/<app>/<user>/<name>`."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a session.

    Attributes:
        app, user, id: the names that ADK gives.
    """

    app: str
    user: str
    id: str

    @property
    def session(self) -> str:
        """The session of the messages."""
        return f"adk:{joined(self.app, self.user, self.id)}"

    @property
    def namespace(self) -> str:
        """The namespace of what belongs to the session alone."""
        return SESSIONS + joined(self.app, self.user, self.id)

    @property
    def namespaces(self) -> tuple[str, str]:
        """The namespaces that have all of the session."""
        return self.namespace, STATES


def event_key(number: int) -> str:
    """Return the key of an event, by its number from 1."""
    return f"e/{number:012}"


def last_part(key: str) -> str:
    """Return the last text that a key is made of."""
    return split(key)[-1]


def key_set(namespace: str, key: str, value: object) -> dict[str, Any]:
    """Return the event that sets a key."""
    return new_event(namespace, "key.set", {"key": key, "value": value})


def state_events(place: Place, delta: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events that change the state of an app, a user and a session."""
    return [key_set(*_state_key(place, name), value) for name, value in lasting(delta).items()]


def lasting(delta: dict[str, Any]) -> dict[str, Any]:
    """Return a change of the state without what lasts for one invocation only."""
    return {name: it for name, it in delta.items() if not name.startswith(State.TEMP_PREFIX)}


def _state_key(place: Place, name: str) -> tuple[str, str]:
    """Return the namespace and the key of a name in the state."""
    if name.startswith(State.APP_PREFIX):
        return STATES, f"app/{joined(place.app, name.removeprefix(State.APP_PREFIX))}"
    if name.startswith(State.USER_PREFIX):
        own = name.removeprefix(State.USER_PREFIX)
        return STATES, f"user/{joined(place.app, place.user, own)}"
    return place.namespace, f"s/{joined(name)}"


def state_of(keys: KeyView, place: Place) -> dict[str, Any]:
    """Return the state of a session, with that of its app and its user."""
    scopes = (
        ("", "s/", place.namespace),
        (State.APP_PREFIX, f"app/{joined(place.app)}/", STATES),
        (State.USER_PREFIX, f"user/{joined(place.app, place.user)}/", STATES),
    )
    return {
        scope + last_part(key): value
        for scope, prefix, namespace in scopes
        for key, value in keys.items(prefix, namespace=namespace).items()
    }


def last_event(keys: KeyView, place: Place) -> tuple[int, dict[str, Any] | None]:
    """Return the number of the last event, and the event; 0 and None if there is none."""
    found = keys.items("e/", namespace=place.namespace, limit=1, last_first=True)
    for key, event in found.items():
        return int(last_part(key)), event
    return 0, None
