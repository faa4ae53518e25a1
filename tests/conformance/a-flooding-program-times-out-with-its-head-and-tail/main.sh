echo the first line
yes the same line again
