"""What filters become: conditions on tags of the index, on rows, and on times."""
