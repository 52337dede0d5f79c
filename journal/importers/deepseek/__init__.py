"""The sessions of DeepSeek's harness."""
