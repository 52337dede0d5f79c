"""The recipes of docs/frameworks.md for frameworks whose stores are not replaced."""

from __future__ import annotations

from tools.conformance.suite import Suite

SUITE = Suite(
    name="recipes",
    extra="",
    packages=(
        "pydantic-ai-slim",
        "llama-index-core",
        "smolagents",
        "autogen-agentchat",
        "autogen-ext",
    ),
    source=None,
    tests=(),
    sample=(),
    passing=0,
    own=("tests/adapters/test_framework_recipes.py",),
)
