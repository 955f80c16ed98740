"""The book's class as the article uses it: its script needs no change but in the lines that import.

The book draws the first weights from a normal distribution, ``randn``; the article from a uniform one, ``rand``. Its constructor
has no argument for that, so the class of its script is this one:

>>> from numgrad_rs import load_mnist
>>> from numgrad_rs.article import TwoLayerNet
>>> TwoLayerNet(input_size=784, hidden_size=50, output_size=10).params["W1"].min() >= 0
np.True_
"""

from . import _network

__all__ = ["TwoLayerNet"]


class TwoLayerNet(_network.TwoLayerNet):
    """The two-layer network of the article: `numgrad_rs.TwoLayerNet` whose weights begin as ``0.01 * numpy.random.rand``.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        D inputs, H hidden units, K classes.
    weight_init_std : float or {"he", "xavier"}
        What random weights are multiplied by. Biases begin at 0.
    threads : int, optional
        How many threads compute. By default as many as there are cores.

    See Also
    --------
    numgrad_rs.TwoLayerNet : the book's, with what all methods do.
    """

    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01, *, threads=None):
        super().__init__(input_size, hidden_size, output_size, weight_init_std, "uniform", threads=threads)
