import os

import numpy as np
import pytest

import numgrad_rs


@pytest.fixture(scope="session")
def digits():
    """The digits that are built in, pixels from 0 to 1 and classes."""
    return numgrad_rs.load_mnist(embedded=True)


@pytest.fixture(scope="session")
def mnist():
    """All of MNIST, where NUMGRAD_DATA_DIR says where it is."""
    if not os.environ.get("NUMGRAD_DATA_DIR"):
        pytest.skip("NUMGRAD_DATA_DIR is not set")
    return numgrad_rs.load_mnist(one_hot_label=True)


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(42)
