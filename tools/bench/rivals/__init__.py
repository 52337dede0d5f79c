"""The programs that ours is compared with: hermes-agent, tantivy, and a bare loop of inserts."""
