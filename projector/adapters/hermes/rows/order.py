"""The order of a session's messages."""

from __future__ import annotations

ORDER = "order_time, order_depth, event_order, lane, seq, transcript_index"
"""For `ORDER BY` in a query of `messages` or `all_messages`."""
