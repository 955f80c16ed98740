import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Check",
    "Comparison",
    "DerivativeError",
    "Estimate",
    "Network",
    "Stopped",
    "TwoLayerNet",
    "check_gradient",
    "cross_entropy_error",
    "differentiate",
    "directional",
    "estimate",
    "gradient",
    "hessian",
    "jacobian",
    "load_mnist",
    "numerical_gradient",
    "relu",
    "sigmoid",
    "softmax",
    "sparse_jacobian",
    "value_and_gradient",
]

# Of one coordinate a float, of several an array of the shape that the docstring tells.
_Floats: TypeAlias = Any
_Bounds: TypeAlias = Any
_Stencil: TypeAlias = Literal["central", "forward", "backward", "five-point"] | int | Sequence[float]

class DerivativeError(ValueError):
    coordinate: int | None
    def __init__(self, message: str, coordinate: int | None = None) -> None: ...

class Stopped(RuntimeError):
    values: NDArray[np.float64]
    done: NDArray[np.bool_]
    def __init__(self, message: str, values: ArrayLike = (), done: ArrayLike = ()) -> None: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

class Estimate(NamedTuple):
    value: _Floats
    error: _Floats
    converged: Any
    n_evaluations: Any

class Comparison(NamedTuple):
    row: int | None
    number: int
    analytic: float
    numerical: float
    numerical_error: float

class Check:
    def __init__(self, report: Any) -> None: ...
    @property
    def comparisons(self) -> list[Comparison]: ...
    def agreement(self, rel: float = 1e-6) -> Literal["agrees", "differs", "undetermined"]: ...
    def passes(self, rel: float = 1e-6) -> bool: ...
    def __bool__(self) -> bool: ...

class Network:
    params: dict[str, NDArray[np.float64]]
    def __init__(
        self,
        sizes: Sequence[int],
        activation: Literal["sigmoid", "relu", "tanh"] = "sigmoid",
        weight_init_std: float | Literal["he", "xavier"] = 0.01,
        init: Literal["normal", "uniform"] = "normal",
        *,
        threads: int | None = None,
    ) -> None: ...
    def predict(self, x: ArrayLike) -> NDArray[np.float64]: ...
    def loss(self, x: ArrayLike, t: ArrayLike) -> float: ...
    def accuracy(self, x: ArrayLike, t: ArrayLike) -> float: ...
    def numerical_gradient(
        self, x: ArrayLike, t: ArrayLike, h: float = 1e-4, forward: Literal["incremental", "full"] = "incremental"
    ) -> dict[str, NDArray[np.float64]]: ...
    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[np.float64]]: ...
    def __getstate__(self) -> dict[str, Any]: ...
    def __setstate__(self, state: dict[str, Any]) -> None: ...

class TwoLayerNet(Network):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | Literal["he", "xavier"] = 0.01,
        init: Literal["normal", "uniform"] = "normal",
        *,
        threads: int | None = None,
    ) -> None: ...

def check_gradient(
    f: Callable[[Any], Any],
    gradient: Callable[[Any], ArrayLike] | ArrayLike,
    x: ArrayLike,
    *,
    coordinates: int | None = None,
    directions: int | None = None,
    seed: int = 0,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> Check: ...
def cross_entropy_error(y: ArrayLike, t: ArrayLike) -> float: ...
def differentiate(f: Callable[..., Any], **options: Any) -> Callable[..., _Floats]: ...
def directional(
    f: Callable[[Any], Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> _Floats: ...
def estimate(
    f: Callable[[Any], Any],
    x: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> Estimate: ...
def gradient(
    f: Callable[[Any], Any],
    x: ArrayLike,
    *,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> _Floats: ...
def hessian(
    f: Callable[[Any], Any],
    x: ArrayLike,
    *,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> _Floats: ...
def jacobian(
    f: Callable[[Any], Any],
    x: ArrayLike,
    *,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> _Floats: ...
def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    embedded: bool = False,
) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
def numerical_gradient(f: Callable[[NDArray[np.float64]], Any], x: NDArray[np.float64]) -> NDArray[np.float64]: ...
def relu(x: ArrayLike) -> Any: ...
def sigmoid(x: ArrayLike) -> Any: ...
def softmax(x: ArrayLike) -> NDArray[Any]: ...
def sparse_jacobian(
    f: Callable[[Any], Any],
    x: ArrayLike,
    pattern: Any,
    *,
    check: bool = True,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> Any: ...
def value_and_gradient(
    f: Callable[[Any], Any],
    x: ArrayLike,
    *,
    stencil: _Stencil = "central",
    step: ArrayLike | None = None,
    rel_step: float | None = None,
    scale: ArrayLike | None = None,
    bounds: _Bounds | None = None,
    precision: float | None = None,
    threads: int = 1,
    non_finite: Literal["error", "shorten", "nan", "propagate"] = "error",
    budget: int | None = None,
    progress: bool | Callable[[int, int], object] = False,
    workers: Callable[[Callable[[Any], Any], Any], Iterable[Any]] | None = None,
) -> tuple[float, _Floats]: ...
