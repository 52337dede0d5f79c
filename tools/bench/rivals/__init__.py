"""What ours is measured against: hermes-agent, tantivy, and a bare loop of inserts."""
