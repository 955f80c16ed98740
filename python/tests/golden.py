"""The values in ../tests/golden of the crate, which NumPy has computed; see the README there."""

import csv
import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"


def losses(run):
    with open(GOLDEN / run / "losses.csv", newline="") as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file)])


def array(run, name):
    return np.load(GOLDEN / run / f"{name}.npy")


def settings(run):
    return json.loads((GOLDEN / run / "run.json").read_text())


def gradient(run):
    """Some entries of the first gradient: array, row, column, value."""
    with open(GOLDEN / run / "gradient.csv", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]
