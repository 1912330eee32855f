"""The benchmark: this app beside the app of the tutorials; `scripts/bench.py` runs it."""
