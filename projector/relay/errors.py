"""What can go wrong when journals are relayed.

::

    RelayError           root
    ├── ChunkError       what arrived is no chunk of a segment, or names what cannot be
    │   └── NewerChunk   it is of a newer version of this protocol
    ├── ForkFound        other bytes stand where these bytes belong
    ├── Hole             bytes in front of these are missing
    ├── TooLarge         a bound of sizes is reached
    ├── NotJoined        this journal belongs to no fleet
    ├── RelayBusy        another relay works for this journal
    ├── NotOurs          what stands under our name is of another machine
    ├── Refused          the carrier has another last chunk than the fence names
    └── CarrierError     the carrier refuses or cannot be reached
"""

from __future__ import annotations

from projector.errors import ProjectorError


class RelayError(ProjectorError):
    """Root of every error of the relay."""


class ChunkError(RelayError, ValueError):
    """What arrived is no chunk of a segment, or names what cannot be."""


class NewerChunk(ChunkError):  # noqa: N818 - reads as what it is
    """A chunk is of a newer version of the protocol than this program knows."""


class ForkFound(RelayError):  # noqa: N818 - reads as what happened
    """Other bytes stand where these bytes belong: two machines write under one name."""


class Hole(RelayError):  # noqa: N818 - reads as what it is
    """Bytes in front of a chunk are missing here."""


class TooLarge(RelayError):  # noqa: N818 - reads as a state
    """A segment, or all mirrors together, would be larger than allowed."""


class NotJoined(RelayError):  # noqa: N818 - reads as a state
    """This journal belongs to no fleet."""


class RelayBusy(RelayError):  # noqa: N818 - reads as a state
    """Another relay works for this journal."""


class CarrierError(RelayError):
    """The carrier refuses, or cannot be reached; what was to be sent is not sent."""


class NotOurs(RelayError):  # noqa: N818 - reads as what happened
    """What stands under our name is not ours: this journal is a clone or a restored backup."""


class Refused(RelayError):  # noqa: N818 - reads as what happened
    """The carrier has another last chunk of the segment than the one that the fence names."""


class Reset(RelayError):  # noqa: N818 - reads as what happened
    """The carrier has lost what it had: everything begins again from disk."""
