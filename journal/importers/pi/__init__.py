"""The sessions of pi, and of omp and openclaw, which are made of it."""
