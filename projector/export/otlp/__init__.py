"""Spans of OpenTelemetry, as JSON lines of its protocol (OTLP)."""
