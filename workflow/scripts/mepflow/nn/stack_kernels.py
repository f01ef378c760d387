"""The network's stacks of dense layers on a GPU, with their gradients; see :mod:`mepflow.nn.gpu`.

What passes through the memory of the GPU is what leaves a stack of layers and what its gradient
needs.

Products of float32 matrices follow PyTorch's ``set_float32_matmul_precision``: *highest* keeps
float32's accuracy, as three products of TF32 numbers, *high* and *medium* are one; under
``torch.autocast`` they are in bfloat16. Sums, tanh and everything between products is float32.
"""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd import Function

from mepflow.nn import gpu
from mepflow.nn.first_derivatives import first_derivatives_only

_LAYERS_AT_ONCE: Final = 4  # what the kernels of stacks are written for
# Rows of a tile; chosen without a GPU, from what compiles without spilled registers.
_ROWS_AT_ONCE: Final = 64  # the fewest rows for which Hopper multiplies with four warps together
_FEWEST_ROWS: Final = 16  # the fewest that a product takes
_PROGRAMS_WANTED: Final = 256  # some two for each multiprocessor of a large GPU


def dense_stack(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> Tensor:
    """Return the dense layers of x (R, n), each followed by tanh; weights are (out, in)."""
    for start in range(0, len(weights), _LAYERS_AT_ONCE):
        end = start + _LAYERS_AT_ONCE
        x = gpu.apply(_DenseStack, _precision(), x, *weights[start:end], *biases[start:end])
    return x


def _precision() -> str:
    if torch.is_autocast_enabled("cuda"):
        return "bf16"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


class _DenseStack(Function):
    @staticmethod
    def forward(ctx: Any, precision: str, x: Tensor, *parameters: Tensor | None) -> Tensor:
        n_layers = len(parameters) // 2
        weights = [w.contiguous() for w in parameters[:n_layers] if w is not None]
        biases = parameters[n_layers:]
        x = x.contiguous()
        outputs = [x.new_empty((len(x), len(w)), dtype=torch.float32) for w in weights]
        ctx.constants = _stack_constants(x, weights, precision)
        gpu.launch(
            "dense_stack",
            (gpu.tiles(len(x), ctx.constants["ROWS"]),),
            *(x, *_layers(weights, biases, outputs), len(x)),
            **ctx.constants,
        )
        ctx.has_bias = [bias is not None for bias in biases]
        ctx.save_for_backward(x, *weights, *outputs)
        return outputs[-1]

    @staticmethod
    @first_derivatives_only
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, *others = ctx.saved_tensors
        n_layers = len(others) // 2
        weights, outputs = others[:n_layers], others[n_layers:]
        entered = [torch.empty_like(values) for values in outputs]
        d_x = torch.empty_like(x)
        gpu.launch(
            "dense_stack_gradient",
            (gpu.tiles(len(x), ctx.constants["ROWS"]),),
            upstream.contiguous(),
            *_layers(weights, outputs, entered),
            *(d_x, len(x)),
            **ctx.constants,
        )
        inputs = [x, *outputs[:-1]]
        of_weights = [dz.mT @ value.to(dz.dtype) for dz, value in zip(entered, inputs, strict=True)]
        of_biases = [
            dz.sum(0) if there else None for dz, there in zip(entered, ctx.has_bias, strict=True)
        ]
        return None, d_x, *of_weights, *of_biases


def _layers(*columns: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return the arguments layer by layer, and None for those of layers that are not there."""
    flat = [value for layer in zip(*columns, strict=True) for value in layer]
    return [*flat, *[None] * (_LAYERS_AT_ONCE * len(columns) - len(flat))]


def _stack_constants(x: Tensor, weights: Sequence[Tensor], precision: str) -> dict[str, Any]:
    widths = [x.shape[1], *map(len, weights)]
    widths += [1] * (_LAYERS_AT_ONCE + 1 - len(widths))
    rows = _ROWS_AT_ONCE
    while rows > _FEWEST_ROWS and len(x) < rows * _PROGRAMS_WANTED:
        rows //= 2
    return {
        "LAYERS": len(weights),
        "ROWS": rows,
        "PRECISION": precision,
        **{f"N{k}": width for k, width in enumerate(widths)},
        **{f"BLOCK{k}": gpu.block_size(width) for k, width in enumerate(widths)},
    }
