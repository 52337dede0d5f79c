"""The systemd user unit that keeps `journal relay run` running."""

from __future__ import annotations


def relay_unit(program: str) -> str:
    """Return the unit.

    Args:
        program: the absolute path of `journal`.
    """
    words = program.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f"""[Unit]
Description=Agent Journal: shares the journal with other machines
StartLimitIntervalSec=0

[Service]
ExecStart=:"{words}" relay run
Restart=always
RestartSec=10
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""
