"""Measure the app beside the app of the tutorials: two tables, JSON and a chart."""

from scripts.benchmark.main import main
from ser.cli import run

if __name__ == "__main__":
    run(main)
