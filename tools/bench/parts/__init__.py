"""The parts of the benchmark: each module measures one row of the table."""
