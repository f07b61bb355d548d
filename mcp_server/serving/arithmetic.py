"""NumPy in a server, where calls run beside one another: each multiplies on one thread."""

import importlib
import os

THREADS = "OPENBLAS_NUM_THREADS"
"""Variable from which OpenBLAS, which NumPy brings, learns of how many threads it may make. It reads it once."""


def load_numpy() -> None:
    """Load NumPy with one thread for products of matrices, unless a number is set.

    Threads of OpenBLAS that have nothing to do spin for a while, and take the cores from other calls: with two of them
    a recommendation among 9,125 films takes 8.0 ms of processor time, with one 4.1 ms. The variable is gone afterwards,
    because a preparation that the server starts may use all cores.
    """
    if THREADS in os.environ:
        return
    os.environ[THREADS] = "1"
    try:
        importlib.import_module("numpy")
    finally:
        del os.environ[THREADS]
