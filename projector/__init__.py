"""Read side: one full-text database made from all lanes."""
