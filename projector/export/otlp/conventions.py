"""The names that each version of the semantic conventions for generative AI has for attributes."""

from __future__ import annotations

from dataclasses import dataclass

_PROVIDERS = {
    "claude": "anthropic",
    "gpt": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "codex": "openai",
    "gemini": "gcp.gemini",
    "grok": "x_ai",
    "deepseek": "deepseek",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "devstral": "mistral_ai",
    "command": "cohere",
}
"""Providers by the beginning of the names of their models."""
_OTHER = "_OTHER"


@dataclass(frozen=True, slots=True)
class Conventions:
    """One version.

    Attributes:
        version: its number.
        provider: the attribute of the provider.
        renamed: providers that have another name in it.
        cache_read, cache_write, reasoning: attributes of these tokens; None if it has none.
        has_content: whether it has attributes for what was said, and for arguments and results.
    """

    version: str
    provider: str
    renamed: dict[str, str]
    cache_read: str | None
    cache_write: str | None
    reasoning: str | None
    has_content: bool

    @property
    def schema(self) -> str:
        """The address that names it in a span's scope."""
        return f"https://opentelemetry.io/schemas/{self.version}.0"


_ALL = (
    Conventions("1.36", "gen_ai.system", {"x_ai": "xai"}, None, None, None, has_content=False),
    Conventions(
        "1.41",
        "gen_ai.provider.name",
        {},
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.reasoning.output_tokens",
        has_content=True,
    ),
)
VERSIONS = {found.version: found for found in _ALL}
LATEST = _ALL[-1].version


def provider_of(named: str | None, model: str | None, conventions: Conventions) -> str:
    """Return the provider of a call: as it is named, else that of the model, else `_OTHER`."""
    name = named
    if name is None and model is not None:
        plain = model.rpartition("/")[2].lower()
        name = next((value for begin, value in _PROVIDERS.items() if plain.startswith(begin)), None)
    return conventions.renamed.get(name or "", name or _OTHER)
