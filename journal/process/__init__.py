"""What belongs to the process: its forks, turns, clocks and ids."""
