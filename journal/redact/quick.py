"""A first look at one text, without the rules: to load them takes longer than an append.

A command that a hook runs at every call of a tool looks here first. Most texts have nothing that a
rule needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RULES_FILE = "redact.toml"
"""Name of the file of further rules in the journal's folder."""

LITERALS = (
    "/api/webhooks/",
    "://",
    ":aa",
    "access-key",
    "access_key",
    "accesskey",
    "accountkey=",
    "aiza",
    "akia",
    "api-key",
    "api_key",
    "api_org_",
    "apikey",
    "asia",
    "atatt3",
    "auth-key",
    "auth_key",
    "authkey",
    "authorization",
    "bearer ",
    "cfat_",
    "cfut_",
    "dapi",
    "dckr_oat_",
    "define(",
    "dckr_pat_",
    "doo_v1_",
    "dop_v1_",
    "dor_v1_",
    "encryption-key",
    "encryption_key",
    "encryptionkey",
    "eyj",
    "figd_",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glcbt-",
    "gldt-",
    "glpat-",
    "glptt-",
    "glrt-",
    "glsa_",
    "gocspx-",
    "gsk_",
    "hf_",
    "hmac-key",
    "hmac_key",
    "hmackey",
    "hooks.slack.com/",
    "hvb.",
    "hvs.",
    "lin_api_",
    "master-key",
    "master_key",
    "masterkey",
    "npm_",
    "ntn_",
    "nvapi-",
    "pass",
    "pmak-",
    "pplx-",
    "private key block-----",
    "private key-----",
    "private-key",
    "private_key",
    "privatekey",
    "pw",
    "pypi-age",
    "q~",
    "r8_",
    "rk_live_",
    "rk_test_",
    "rubygems_",
    "sbp_",
    "secret",
    "sg.",
    "shpat_",
    "shpca_",
    "shppa_",
    "shpss_",
    "signing-key",
    "signing_key",
    "signingkey",
    "sk-",
    "sk_live_",
    "sk_test_",
    "sntrys_",
    "sntryu_",
    "token",
    "vck_",
    "vcp_",
    "whsec_",
    "xai-",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxe-",
    "xoxp-",
    "ya29.",
)
"""Texts of which each secret that a rule of this program finds has one, in any case."""


def may_redact(journal: Path, text: str) -> bool:
    """Return whether there may be a secret in a text, by this program's rules or the user's.

    Args:
        journal: the journal's folder, which may not exist yet.
        text: the text.
    """
    lower = text.lower()
    has_escapes = "\\u00" in lower or "\\/" in lower
    return (
        has_escapes
        or any(literal in lower for literal in LITERALS)
        or os.path.lexists(journal / RULES_FILE)
    )
