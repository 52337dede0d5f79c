"""The tasks of Cline, and of Roo Code and Kilo Code, which are made of it."""
