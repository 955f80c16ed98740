"""What derivatives fail with, besides the exceptions of the functions themselves."""


class DerivativeError(ValueError):
    """There is no derivative: the function or the point is not finite, a step is too short, a pattern leaves out an entry.

    Attributes
    ----------
    coordinate : int or None
        The number of the coordinate that was moved, in row-major order.
    """

    def __init__(self, message, coordinate=None):
        super().__init__(message)
        self.coordinate = coordinate


class Stopped(RuntimeError):
    """The budget of evaluations ran out before a derivative was done.

    Attributes
    ----------
    values : numpy.ndarray
        What was computed, in the form of the whole, and NaN elsewhere. These numbers are final.
    done : numpy.ndarray
        For each coordinate (column, row or group of a matrix) whether it was done.
    """

    def __init__(self, message, values=(), done=()):
        super().__init__(message)
        self.values, self.done = values, done

    def __reduce__(self):
        return type(self), (str(self), self.values, self.done)


class LowPrecision(Exception):
    """A function has returned numbers of less than double precision; it is differentiated again with longer steps."""
