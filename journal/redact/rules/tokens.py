"""Secrets that are recognised by their own beginning."""

from __future__ import annotations

from functools import partial

from journal.redact.checks.likely import is_no_example
from journal.redact.checks.runs import runs
from journal.redact.rule import Rule, token

_WORD = r"[A-Za-z0-9_\-]"
_END = r"(?![A-Za-z0-9])"

_token = partial(token, guard=runs)

TOKENS = (
    _token("aws-access-key", f"[A-Z2-7]{{16}}{_END}", "AKIA", "ASIA", accept=is_no_example),
    _token("github-token", "[A-Za-z0-9]{36,255}+", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token("github-token", "[A-Za-z0-9_]{36,255}+", "github_pat_"),
    _token("gitlab-token", rf"{_WORD}{{20,300}}+(?:\.[a-z0-9.]{{9,12}}+)?+", "glpat-", "gldt-"),
    _token("gitlab-token", f"{_WORD}{{20,64}}+", "glrt-", "glptt-", "glcbt-"),
    _token("slack-token", f"{_WORD}{{20,255}}+", "xoxb-", "xoxp-", "xoxa-", "xoxe-", "xapp-"),
    _token("slack-token", f"{_WORD}{{20,255}}+", "xoxc-", "xoxd-", "xoxr-", "xoxs-"),
    _token("stripe-key", "[A-Za-z0-9]{16,255}+", "sk_live_", "rk_live_", "sk_test_", "rk_test_"),
    _token("stripe-key", "[A-Za-z0-9]{24,64}+", "whsec_"),
    _token("sendgrid-key", rf"{_WORD}{{16,32}}+\.{_WORD}{{32,64}}+", "SG."),
    _token("npm-token", "[A-Za-z0-9]{36,64}+", "npm_", follow="(?=[a-z0-9]{36})"),
    _token("pypi-token", f"{_WORD}{{50,1000}}+", "pypi-AgE"),
    _token("huggingface-token", "[A-Za-z]{30,64}+", "hf_", "api_org_"),
    _token("google-key", f"{_WORD}{{35}}(?!{_WORD})", "AIza"),
    _token("google-key", f"{_WORD}{{20,2048}}+", "GOCSPX-", "ya29."),
    _token("anthropic-key", f"{_WORD}{{24,255}}+", "sk-ant-"),
    _token("openai-key", f"{_WORD}{{32,255}}+", "sk-proj-", "sk-svcacct-", "sk-admin-"),
    _token("openrouter-key", "[a-f0-9]{32,128}+", "sk-or-v1-"),
    _token("model-provider-key", f"[A-Za-z0-9]{{32,128}}+{_END}", "sk-", "gsk_", "pplx-", "r8_"),
    _token("model-provider-key", f"{_WORD}{{40,255}}+", "xai-", "nvapi-"),
    _token("digitalocean-token", "[a-f0-9]{64}", "dop_v1_", "doo_v1_", "dor_v1_"),
    _token("databricks-token", f"[a-f0-9]{{32}}{_END}", "dapi"),
    _token("shopify-token", "[A-Fa-f0-9]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _token("postman-key", "[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}", "PMAK-"),
    _token("linear-key", "[A-Za-z0-9]{40}", "lin_api_"),
    _token("notion-token", "[A-Za-z0-9]{40,64}+", "ntn_"),
    _token("vault-token", f"{_WORD}{{24,300}}+", "hvs.", "hvb."),
    _token("grafana-token", "[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", "glsa_"),
    _token("docker-token", f"{_WORD}{{27,64}}+", "dckr_pat_", "dckr_oat_"),
    _token("rubygems-key", "[a-f0-9]{48}", "rubygems_"),
    _token("cloudflare-token", "[A-Za-z0-9]{48}", "cfut_", "cfat_"),
    _token("hosting-token", f"{_WORD}{{31,64}}+", "figd_", "sbp_", "sb_secret_", "vcp_", "vck_"),
    _token("atlassian-token", f"{_WORD}{{60,400}}+", "ATATT3"),
    _token("sentry-token", "[A-Za-z0-9_]{20}[A-Za-z0-9+/=_]{40,480}+", "sntrys_", "sntryu_"),
    _token("twilio-key", f"[0-9a-f]{{32}}{_END}", "SK", follow=r"(?=[0-9a-f]{32})"),
    _token("age-key", "[A-Z0-9]{58}", "AGE-SECRET-KEY-1"),
    _token(
        "tailscale-key",
        "[A-Za-z0-9]{8,32}+-[A-Za-z0-9]{16,64}+",
        *(f"tskey-{use}-" for use in ("auth", "api", "client", "scim", "webhook")),
    ),
    _token("new-relic-key", f"[A-Z0-9]{{27}}{_END}", "NRAK-"),
    _token("langsmith-key", "[a-f0-9]{32}_[a-f0-9]{10}", "lsv2_pt_", "lsv2_sk_"),
    _token(
        "planetscale-token",
        r"[A-Za-z0-9_.\-]{16}[A-Za-z0-9_=.\-]{16,48}+",
        *("pscale_tkn_", "pscale_oauth_", "pscale_pw_"),
    ),
    _token("doppler-token", f"[A-Za-z0-9]{{40,44}}+{_END}", "dp.pt.", "dp.ct.", "dp.sa.", "dp.st."),
    _token("doppler-token", f"[A-Za-z0-9]{{40,44}}+{_END}", "dp.scim.", "dp.audit."),
    # a service token names its environment
    _token(
        "doppler-token", rf"[a-z0-9_\-]{{2,35}}+\.[A-Za-z0-9]{{40,44}}+{_END}", "dp.st.", follow=""
    ),
    _token("pulumi-token", f"[a-f0-9]{{40}}{_END}", "pul-"),
    _token("fly-token", "[A-Za-z0-9]{16}[A-Za-z0-9+/=_-]{84,4096}+", "fm2_"),
    _token("heroku-key", f"{_WORD}{{36,64}}+", "HRKU-"),
    _token("cloudflare-token", "[a-f0-9]{24}-[a-f0-9]{146}", "v1.0-"),
    _token("mapbox-token", rf"{_WORD}{{40,512}}+\.{_WORD}{{20,64}}+", "sk.eyJ1"),
    Rule(
        "terraform-token",
        r"(?a)(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))[A-Za-z0-9]{14}\.atlasv1\."
        r"[A-Za-z0-9_\-]{16}[A-Za-z0-9_=\-]{44,54}+",
        (".atlasv1.",),
        before=14,
        follow=r"(?=[a-z0-9_\-]{16})",
        guard=runs,
    ),
    Rule(
        "airtable-token",
        r"(?a)(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))pat[A-Za-z0-9]{14}\.[a-f0-9]{64}(?![A-Za-z0-9])",
        (".",),
        before=17,
        follow=r"(?<=pat[a-z0-9]{14}\.)[a-f0-9]{64}",
        guard=runs,
    ),
)
"""Secrets that are recognised by their own beginning."""
