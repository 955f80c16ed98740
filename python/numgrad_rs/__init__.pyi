import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Network",
    "TwoLayerNet",
    "cross_entropy_error",
    "load_mnist",
    "numerical_gradient",
    "relu",
    "sigmoid",
    "softmax",
]

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

def cross_entropy_error(y: ArrayLike, t: ArrayLike) -> float: ...
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
