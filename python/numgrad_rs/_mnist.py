"""MNIST as the book's `load_mnist` gives it."""

import os
import warnings

import numpy as np

from . import _core


def load_mnist(normalize=True, flatten=True, one_hot_label=False, *, data_dir=None, embedded=False):
    """MNIST as the book's `load_mnist` gives it, downloaded and verified the first time.

    Parameters
    ----------
    normalize : bool
        Whether pixels are float32 from 0 to 1, or uint8 from 0 to 255.
    flatten : bool
        Whether an image is a row of 784 pixels, or of shape (1, 28, 28).
    one_hot_label : bool
        Whether labels are one-hot rows of 10 numbers, or classes.
    data_dir : path, optional
        The folder with the four files, plain or with .gz. By default the environment's ``NUMGRAD_DATA_DIR``; without it the
        files are in the user's cache, in which they are kept once they are downloaded.
    embedded : bool
        Whether to take the digits that are built in: the first 6,000 for training and 1,000 for testing. They are never
        taken unasked.

    Returns
    -------
    (x_train, t_train), (x_test, t_test) : tuple of tuples of numpy.ndarray
        Images (N, 784) or (N, 1, 28, 28), labels (N,) of uint8 or (N, 10) of float64.

    Raises
    ------
    FileNotFoundError
        If the folder or files in it are missing.
    OSError
        If MNIST cannot be downloaded.
    ValueError
        If a file is damaged or not of images and labels; it is named. If both `data_dir` and `embedded` are given.
    """
    if embedded and data_dir is not None:
        raise ValueError(f"data_dir is {os.fspath(data_dir)!r}, but the embedded digits are asked for, too")
    if data_dir is None and not embedded:
        data_dir = os.environ.get("NUMGRAD_DATA_DIR") or None
    folder = None if data_dir is None else os.fspath(data_dir)
    train, test, notes = _core.load_mnist(folder, bool(embedded))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return tuple(_as_asked(images, labels, normalize, flatten, one_hot_label) for images, labels in (train, test))


def _as_asked(images, labels, normalize, flatten, one_hot_label):
    x = images.reshape(len(images), -1) if flatten else images[:, np.newaxis]
    if normalize:
        x = x.astype(np.float32)
        x /= 255.0
    if one_hot_label:
        one_hot = np.zeros((len(labels), 10))
        one_hot[np.arange(len(labels)), labels] = 1
        labels = one_hot
    return x, labels
