"""Sums over segments, such as the neighbours of each atom, and their duals."""

from torch import Tensor

from mepflow.nn import gpu, neighbour_kernels


def segment_sum(values: Tensor, index: Tensor, n_segments: int) -> Tensor:
    """Return the sums (n_segments, …) of the rows of ``values`` (P, …) with the same ``index``.

    ``index`` (P,) does not decrease. The order of the additions, and so the last digit, is fixed,
    except on a GPU without Triton or in float64.
    """
    if gpu.usable(values):
        return neighbour_kernels.segment_sum(
            values, index, neighbour_kernels.starts(index, n_segments)
        )
    return values.new_zeros(n_segments, *values.shape[1:]).index_add(0, index, values)


def spread(values: Tensor, index: Tensor) -> Tensor:
    """Return the row of ``values`` (n, …) of each segment in ``index``; :func:`segment_sum`'s dual.

    So is its gradient, with the same order of the additions.
    """
    if gpu.usable(values):
        return neighbour_kernels.spread(values, index, neighbour_kernels.starts(index, len(values)))
    return values.index_select(0, index)
