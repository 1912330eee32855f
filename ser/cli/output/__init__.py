"""What commands print: the results of `ser predict`, and progress."""
