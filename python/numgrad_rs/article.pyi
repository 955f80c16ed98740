from typing import Literal

from . import TwoLayerNet as _TwoLayerNet

__all__ = ["TwoLayerNet"]

class TwoLayerNet(_TwoLayerNet):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | Literal["he", "xavier"] = 0.01,
        *,
        threads: int | None = None,
    ) -> None: ...
