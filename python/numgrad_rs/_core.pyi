from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["NetworkLoss", "load_mnist"]

_Floats = NDArray[np.float64]
_Inputs = NDArray[np.float64] | NDArray[np.float32]
_Set = tuple[NDArray[np.uint8], NDArray[np.uint8]]

@final
class NetworkLoss:
    def __new__(cls, sizes: list[int], activation: str, n_threads: int) -> NetworkLoss: ...
    def numerical_gradient(
        self,
        parameters: list[_Floats],
        x: _Inputs,
        classes: NDArray[np.int64],
        h: float,
        full: bool,
        out: _Floats,
    ) -> None: ...
    def backprop(self, parameters: list[_Floats], x: _Inputs, classes: NDArray[np.int64], out: _Floats) -> None: ...
    def value(self, parameters: list[_Floats], x: _Inputs, classes: NDArray[np.int64]) -> float: ...
    def predict(self, parameters: list[_Floats], x: _Inputs) -> _Floats: ...
    def n_correct(self, parameters: list[_Floats], x: _Inputs, classes: NDArray[np.int64]) -> int: ...

def load_mnist(folder: str | None, embedded: bool) -> tuple[_Set, _Set, list[str]]: ...
