"""`load_mnist`: the book's forms, and files that are missing or damaged."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from numgrad_rs import load_mnist

SUBSET = Path(__file__).resolve().parents[2] / "data" / "mnist-subset"


def test_the_forms_of_the_book():
    (x, t), (x_test, t_test) = load_mnist(embedded=True)
    assert (x.shape, x.dtype, t.shape, t.dtype) == ((6000, 784), np.float32, (6000,), np.uint8)
    assert (x_test.shape, t_test.shape) == ((1000, 784), (1000,))
    (raw, hot), _ = load_mnist(normalize=False, flatten=False, one_hot_label=True, embedded=True)
    assert (raw.shape, raw.dtype, hot.shape) == ((6000, 1, 28, 28), np.uint8, (6000, 10))
    np.testing.assert_array_equal(x, raw.reshape(6000, 784).astype(np.float32) / 255.0)
    np.testing.assert_array_equal(hot.argmax(axis=1), t)
    assert t[:5].tolist() == [5, 0, 4, 1, 9] and hot.sum() == 6000


def test_files_are_found_by_argument_and_by_the_environment(monkeypatch):
    expected = load_mnist(embedded=True)
    monkeypatch.setenv("NUMGRAD_DATA_DIR", "nowhere")
    for found in [load_mnist(data_dir=SUBSET), load_mnist(data_dir=str(SUBSET))]:
        np.testing.assert_array_equal(found[1][0], expected[1][0])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_mnist()
    monkeypatch.setenv("NUMGRAD_DATA_DIR", str(SUBSET))
    np.testing.assert_array_equal(load_mnist()[0][1], expected[0][1])


def test_the_whole_of_mnist(mnist):
    (x, t), (x_test, t_test) = mnist
    assert (len(x), len(x_test), t.shape) == (60_000, 10_000, (60_000, 10))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing: .*train-images"):
        load_mnist(data_dir=tmp_path)
    shutil.copytree(SUBSET, tmp_path / "set")
    labels = tmp_path / "set" / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(gzip.decompress(labels.read_bytes())[:-3]))
    with pytest.raises(ValueError, match="t10k-labels"):
        load_mnist(data_dir=tmp_path / "set")
    with pytest.raises(ValueError, match="embedded digits are asked for, too"):
        load_mnist(data_dir=tmp_path, embedded=True)
    with pytest.raises(TypeError):
        load_mnist(data_dir=3)


def test_what_to_do_without_a_network_is_said_in_words_of_python(monkeypatch, tmp_path):
    # No folder for the cache can be made below a file, before anything is downloaded.
    (tmp_path / "file").touch()
    monkeypatch.delenv("NUMGRAD_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"data_dir.*NUMGRAD_DATA_DIR.*embedded=True.*The reason: .* can.t be written"):
        load_mnist()
