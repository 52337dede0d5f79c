"""The recordings of Qwen Code."""
