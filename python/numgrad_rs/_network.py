"""The networks of the book, whose parameters are NumPy arrays and whose gradients are computed by the crate."""

import numpy as np

from . import _checked
from ._core import NetworkLoss

_SCALES = {"he": 2.0, "xavier": 1.0}


class Network:
    """A network of dense layers: sigmoid, rectifier or tanh, then softmax, with the mean cross-entropy as its loss.

    Parameters
    ----------
    sizes : sequence of int
        D inputs, the units of each hidden layer, K classes: ``[784, 100, 100, 10]``. At least one hidden layer.
    activation : {"sigmoid", "relu", "tanh"}
        What the hidden layers apply to the weighted sums of their inputs.
    weight_init_std : float or {"he", "xavier"}
        What random weights are multiplied by: a number, or ``sqrt(2 / n)`` (He) or ``sqrt(1 / n)`` (Xavier) for a layer of
        n inputs. Biases begin at 0.
    init : {"normal", "uniform"}
        ``numpy.random.randn``, as in the book, or ``numpy.random.rand``, as in the article. They are drawn from NumPy's
        global generator layer by layer, so ``numpy.random.seed`` makes them the same again.
    threads : int, optional
        How many threads compute. By default as many as there are cores.

    Attributes
    ----------
    params : dict of str to numpy.ndarray
        The parameters ``"W1"`` (D, H), ``"b1"`` (H,), ``"W2"``, ``"b2"`` and so on. They are the truth: replaced or changed
        in place, the next call sees it.

    Examples
    --------
    >>> import numpy as np
    >>> from numgrad_rs import Network
    >>> net = Network([4, 8, 6, 3], "relu", weight_init_std="he")
    >>> x, t = np.ones((2, 4)), np.array([0, 2])
    >>> before = net.loss(x, t)
    >>> for name, slopes in net.numerical_gradient(x, t).items():
    ...     net.params[name] -= 0.1 * slopes
    >>> net.loss(x, t) < before
    True
    """

    def __init__(self, sizes, activation="sigmoid", weight_init_std=0.01, init="normal", *, threads=None):
        try:
            sizes = [_checked.count(size, "sizes") for size in sizes]
        except TypeError as error:
            if isinstance(sizes, (str, bytes)) or not hasattr(sizes, "__iter__"):
                raise TypeError(f"sizes: expected a sequence of integers, found {sizes!r}") from None
            raise error
        _checked.one_of(activation, "activation", ("sigmoid", "relu", "tanh"))
        _checked.one_of(init, "init", ("normal", "uniform"))
        if not isinstance(weight_init_std, str):
            weight_init_std = _checked.positive(weight_init_std, "weight_init_std")
        elif weight_init_std not in _SCALES:
            raise ValueError(f"weight_init_std is {weight_init_std!r}, expected a number, 'he' or 'xavier'")
        self._sizes, self._activation, self._threads = sizes, activation, _checked.n_threads(threads)
        self._loss = NetworkLoss(sizes, activation, self._threads)
        draw = np.random.randn if init == "normal" else np.random.rand
        self.params = {}
        for layer, (n_inputs, n_units) in enumerate(zip(sizes, sizes[1:]), start=1):
            scale = weight_init_std
            if isinstance(scale, str):
                scale = np.sqrt(_SCALES[scale] / n_inputs)
            self.params[f"W{layer}"] = scale * draw(n_inputs, n_units)
            self.params[f"b{layer}"] = np.zeros(n_units)

    def predict(self, x):
        """The probability of each class for each sample.

        Parameters
        ----------
        x : array_like
            Inputs (N, D), or (D,) for one sample; float32 and float64 as they are, contiguous or not.

        Returns
        -------
        numpy.ndarray
            Probabilities (N, K), or (K,), float64. Each row sums to 1.

        Raises
        ------
        ValueError
            If `x` or a parameter has another shape than the network, or a number is NaN or infinite.
        TypeError
            If they are not real numbers.
        """
        x, is_one = _checked.batch(x, self._sizes[0])
        probabilities = self._loss.predict(self._arrays(), x)
        return probabilities[0] if is_one else probabilities

    def loss(self, x, t):
        """The mean cross-entropy of a batch, ``-1/N sum_n log(p[n, t_n] + 1e-7)``.

        Parameters
        ----------
        x : array_like
            Inputs (N, D), or (D,) for one sample.
        t : array_like
            The right answers: classes (N,) or one-hot rows (N, K).

        Returns
        -------
        float
            The loss, in nats.

        Raises
        ------
        ValueError, TypeError
            As `predict`, and if `t` has another shape, a class that is not below K, or a row that is not one-hot.
        """
        x, t = self._batch(x, t)
        return self._loss.value(self._arrays(), x, t)

    def accuracy(self, x, t):
        """The share of samples whose most probable class is the right one, 0 to 1.

        Parameters
        ----------
        x : array_like
            Inputs (N, D).
        t : array_like
            The right answers: classes (N,) or one-hot rows (N, K).

        Returns
        -------
        float
            The share.

        Raises
        ------
        ValueError, TypeError
            As `loss`.
        """
        x, t = self._batch(x, t)
        return self._loss.n_correct(self._arrays(), x, t) / len(x)

    def numerical_gradient(self, x, t, h=1e-4, forward="incremental"):
        """The central difference of the loss for every parameter, ``(L(w + h) - L(w - h)) / 2h``.

        Parameters
        ----------
        x : array_like
            Inputs (N, D).
        t : array_like
            The right answers: classes (N,) or one-hot rows (N, K).
        h : float
            By how much each parameter is moved.
        forward : {"incremental", "full"}
            Whether a moved parameter recomputes only what it reaches, or a whole forward pass, as the book does. Both are the
            same difference up to rounding, of which the first has less.

        Returns
        -------
        dict of str to numpy.ndarray
            For each of `params` an array of its shape.

        Raises
        ------
        ValueError, TypeError
            As `loss`, and if `h` is not positive and finite.
        MemoryError
            If the network and the batch need more memory than there is.

        Notes
        -----
        Other Python threads run meanwhile. Ctrl-C ends a gradient by whole forward passes.
        """
        h = _checked.positive(h, "h")
        full = _checked.one_of(forward, "forward", ("incremental", "full")) == "full"
        x, t = self._batch(x, t)
        arrays = self._arrays()
        if full and any(array.size and h < np.spacing(abs(array).max()) / 2 for array in arrays):
            raise ValueError(f"h is {h}, which vanishes beside the largest of the parameters")
        flat = np.empty(sum(array.size for array in arrays))
        self._loss.numerical_gradient(arrays, x, t, h, full, flat)
        return self._by_name(flat)

    def gradient(self, x, t):
        """The gradient of the loss by backpropagation, to compare with.

        Parameters
        ----------
        x : array_like
            Inputs (N, D).
        t : array_like
            The right answers: classes (N,) or one-hot rows (N, K).

        Returns
        -------
        dict of str to numpy.ndarray
            For each of `params` an array of its shape.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As `numerical_gradient`.
        """
        x, t = self._batch(x, t)
        arrays = self._arrays()
        flat = np.empty(sum(array.size for array in arrays))
        self._loss.backprop(arrays, x, t, flat)
        return self._by_name(flat)

    def __repr__(self):
        sizes = "-".join(map(str, self._sizes))
        return f"<{type(self).__name__} {sizes} {self._activation}>"

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["_loss"]
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._loss = NetworkLoss(self._sizes, self._activation, self._threads)

    def _batch(self, x, t):
        x, is_one = _checked.batch(x, self._sizes[0])
        return x, _checked.labels(t, len(x), self._sizes[-1], is_one)

    def _names(self):
        return [f"{kind}{layer}" for layer in range(1, len(self._sizes)) for kind in "Wb"]

    def _arrays(self):
        """The parameters as arrays of float64, in order; their shapes are looked at where they are copied."""
        names, arrays = self._names(), []
        params = self.params
        if len(params) != len(names) or any(name not in params for name in names):
            raise ValueError(f"params has {list(params)}, expected {names}")
        for name in names:
            array = params[name]
            if type(array) is not np.ndarray or array.dtype != np.float64 or not array.flags.aligned:
                array = _checked.float_array(array, f"params[{name!r}]")
            arrays.append(array)
        return arrays

    def _by_name(self, flat):
        arrays, begin = {}, 0
        for layer, (n_inputs, n_units) in enumerate(zip(self._sizes, self._sizes[1:]), start=1):
            middle, end = begin + n_inputs * n_units, begin + (n_inputs + 1) * n_units
            arrays[f"W{layer}"] = flat[begin:middle].reshape(n_inputs, n_units)
            arrays[f"b{layer}"] = flat[middle:end]
            begin = end
        return arrays


class TwoLayerNet(Network):
    """The network of chapter 4 of "Deep Learning from Scratch": ``softmax(sigmoid(x·W1 + b1)·W2 + b2)``.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        D inputs, H hidden units, K classes.
    weight_init_std : float or {"he", "xavier"}
        What random weights are multiplied by. Biases begin at 0.
    init : {"normal", "uniform"}
        ``numpy.random.randn``, as in the book, or ``numpy.random.rand``, as in the article, from NumPy's global generator:
        first W1, then W2.
    threads : int, optional
        How many threads compute. By default as many as there are cores.

    Attributes
    ----------
    params : dict of str to numpy.ndarray
        The parameters ``"W1"`` (D, H), ``"b1"`` (H,), ``"W2"`` (H, K), ``"b2"`` (K,). They are the truth: replaced or changed
        in place, the next call sees it.

    See Also
    --------
    Network : the same for any number of layers, with what all methods do.

    Examples
    --------
    >>> import numpy as np
    >>> from numgrad_rs import TwoLayerNet
    >>> np.random.seed(42)
    >>> net = TwoLayerNet(input_size=4, hidden_size=8, output_size=3)
    >>> gradient = net.numerical_gradient(np.ones((2, 4)), np.array([0, 2]))
    >>> gradient["W1"].shape
    (4, 8)
    """

    def __init__(
        self, input_size, hidden_size, output_size, weight_init_std=0.01, init="normal", *, threads=None
    ):
        sizes = [
            _checked.count(size, name)
            for size, name in (
                (input_size, "input_size"),
                (hidden_size, "hidden_size"),
                (output_size, "output_size"),
            )
        ]
        super().__init__(sizes, "sigmoid", weight_init_std, init, threads=threads)
