"""The carrier that is a NATS JetStream server, and what such a server needs."""
