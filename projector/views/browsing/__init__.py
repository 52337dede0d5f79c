"""Parts of what there is, for programs that show one part after the other, and sums of all."""
