"""What both command lines share: the group of commands, exit codes, streams and output."""
