"""What the importers' tests share."""
