"""The network's loops over pairs and atoms for a GPU, in Triton: see :mod:`mepflow.nn.gpu`.

Every program owns what it writes, so sums need no atomic operation and have a fixed order: a sum
over pairs is taken by the atom that receives it, along its stretch of the sorted pairs, and a sum
over the pairs in which an atom is the neighbour runs over the reversed pairs of the same stretch.

Names: ``first`` (N + 1,) is where an atom's pairs begin, ``reverse`` (P,) the index of the pair
(j, i) of a pair (i, j). Capitals are known when a kernel is compiled; a ``_BLOCK`` is the power of
two that holds a width, and what lies between is masked.
"""

import triton
import triton.language as tl


@triton.jit
def tanh(x):
    """Return tanh x to a few units of the last place; NaN stays."""
    # The exponential never overflows; near zero it would cancel.
    decay = tl.exp(-2.0 * tl.abs(x))
    large = (1.0 - decay) / (1.0 + decay)
    square = x * x
    series = 62.0 / 2835.0 * square - 17.0 / 315.0
    series = (series * square + 2.0 / 15.0) * square - 1.0 / 3.0
    small = x + x * square * series
    return tl.where(tl.abs(x) < 0.25, small, tl.where(x < 0.0, -large, large))


@triton.jit
def product(left, right, PRECISION: tl.constexpr):
    """Return the matrix product, summed in float32."""
    if PRECISION == "bf16":
        found = tl.dot(left.to(tl.bfloat16), right.to(tl.bfloat16))
    else:
        found = tl.dot(left, right, input_precision=PRECISION)
    return found


@triton.jit
def load_rows(array, rows, columns, mask, WIDTH: tl.constexpr):
    """Return some rows and columns of an array (…, WIDTH) in float32, 0 where masked."""
    return tl.load(array + rows[:, None] * WIDTH + columns[None, :], mask, 0.0).to(tl.float32)


@triton.jit
def pair_interaction(
    centre, neighbour, basis, pair_i, pair_j, out, n_pairs,
    BASIS: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Write Σ_b tanh(centre[i, b] + neighbour[j, b]) basis[b] of every pair."""
    pairs = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, BLOCK)
    live = pairs < n_pairs
    mask = live[:, None] & (columns < WIDTH)[None, :]
    i = tl.load(pair_i + pairs, live, 0)
    j = tl.load(pair_j + pairs, live, 0)
    total = tl.zeros((ROWS, BLOCK), tl.float32)
    for b in range(BASIS):
        x = load_rows(centre, i * BASIS + b, columns, mask, WIDTH)
        x += load_rows(neighbour, j * BASIS + b, columns, mask, WIDTH)
        total += tanh(x) * tl.load(basis + pairs * BASIS + b, live, 0.0).to(tl.float32)[:, None]
    tl.store(out + pairs[:, None] * WIDTH + columns[None, :], total, mask)


@triton.jit
def pair_interaction_gradient(
    centre, neighbour, basis, pair_j, first, reverse, upstream, d_centre, d_neighbour,
    BASIS: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one atom's terms for one basis function."""
    atom = tl.program_id(0).to(tl.int64)
    b = tl.program_id(1)
    columns = tl.arange(0, BLOCK)
    used = columns < WIDTH
    own = (atom * BASIS + b) * WIDTH + columns
    own_centre = tl.load(centre + own, used, 0.0).to(tl.float32)[None, :]
    own_neighbour = tl.load(neighbour + own, used, 0.0).to(tl.float32)[None, :]
    of_centre = tl.zeros((BLOCK,), tl.float32)
    of_neighbour = tl.zeros((BLOCK,), tl.float32)
    end = tl.load(first + atom + 1)
    for start in range(tl.load(first + atom), end, ROWS):
        pairs = start + tl.arange(0, ROWS)
        live = pairs < end
        mask = live[:, None] & used[None, :]
        other = tl.load(pair_j + pairs, live, 0)
        reversed_pairs = tl.load(reverse + pairs, live, 0)
        t = tanh(own_centre + load_rows(neighbour, other * BASIS + b, columns, mask, WIDTH))
        e = tl.load(basis + pairs * BASIS + b, live, 0.0).to(tl.float32)
        slope = load_rows(upstream, pairs, columns, mask, WIDTH) * e[:, None]
        of_centre += tl.sum(slope * (1.0 - t * t), axis=0)
        t = tanh(own_neighbour + load_rows(centre, other * BASIS + b, columns, mask, WIDTH))
        e = tl.load(basis + reversed_pairs * BASIS + b, live, 0.0).to(tl.float32)
        slope = load_rows(upstream, reversed_pairs, columns, mask, WIDTH) * e[:, None]
        of_neighbour += tl.sum(slope * (1.0 - t * t), axis=0)
    tl.store(d_centre + own, of_centre, used)
    tl.store(d_neighbour + own, of_neighbour, used)


@triton.jit
def dense_tanh(
    x, weight, bias, out, rows, live,
    IN: tl.constexpr, OUT: tl.constexpr, IN_BLOCK: tl.constexpr, OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Write and return tanh(x Wᵀ + bias) of a tile x, whose unused columns are 0."""
    inner, outer = tl.arange(0, IN_BLOCK), tl.arange(0, OUT_BLOCK)
    mask = (inner < IN)[:, None] & (outer < OUT)[None, :]
    w = tl.load(weight + outer[None, :] * IN + inner[:, None], mask, 0.0)
    z = product(x, w, PRECISION)
    if bias is not None:
        z += tl.load(bias + outer, outer < OUT, 0.0)[None, :]
    y = tanh(z)
    mask = live[:, None] & (outer < OUT)[None, :]
    tl.store(out + rows[:, None] * OUT + outer[None, :], y, mask)
    return y


@triton.jit
def dense_stack(
    x, w1, b1, y1, w2, b2, y2, w3, b3, y3, w4, b4, y4, n_rows,
    LAYERS: tl.constexpr,
    N0: tl.constexpr, N1: tl.constexpr, N2: tl.constexpr, N3: tl.constexpr, N4: tl.constexpr,
    BLOCK0: tl.constexpr, BLOCK1: tl.constexpr, BLOCK2: tl.constexpr, BLOCK3: tl.constexpr,
    BLOCK4: tl.constexpr, ROWS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the outputs of up to four dense layers, each followed by tanh, of some rows."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    live = rows < n_rows
    columns = tl.arange(0, BLOCK0)
    y = load_rows(x, rows, columns, live[:, None] & (columns < N0)[None, :], N0)
    y = dense_tanh(y, w1, b1, y1, rows, live, N0, N1, BLOCK0, BLOCK1, PRECISION)
    if LAYERS > 1:
        y = dense_tanh(y, w2, b2, y2, rows, live, N1, N2, BLOCK1, BLOCK2, PRECISION)
    if LAYERS > 2:
        y = dense_tanh(y, w3, b3, y3, rows, live, N2, N3, BLOCK2, BLOCK3, PRECISION)
    if LAYERS > 3:
        y = dense_tanh(y, w4, b4, y4, rows, live, N3, N4, BLOCK3, BLOCK4, PRECISION)


@triton.jit
def dense_tanh_gradient(
    slope, weight, y, d_z, rows, live,
    IN: tl.constexpr, OUT: tl.constexpr, IN_BLOCK: tl.constexpr, OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the gradient of what enters tanh, and return that of what enters the layer."""
    inner, outer = tl.arange(0, IN_BLOCK), tl.arange(0, OUT_BLOCK)
    mask = live[:, None] & (outer < OUT)[None, :]
    t = load_rows(y, rows, outer, mask, OUT)
    dz = slope * (1.0 - t * t)
    tl.store(d_z + rows[:, None] * OUT + outer[None, :], dz, mask)
    mask = (outer < OUT)[:, None] & (inner < IN)[None, :]
    w = tl.load(weight + outer[:, None] * IN + inner[None, :], mask, 0.0)
    return product(dz, w, PRECISION)


@triton.jit
def dense_stack_gradient(
    upstream, w1, y1, z1, w2, y2, z2, w3, y3, z3, w4, y4, z4, d_x, n_rows,
    LAYERS: tl.constexpr,
    N0: tl.constexpr, N1: tl.constexpr, N2: tl.constexpr, N3: tl.constexpr, N4: tl.constexpr,
    BLOCK0: tl.constexpr, BLOCK1: tl.constexpr, BLOCK2: tl.constexpr, BLOCK3: tl.constexpr,
    BLOCK4: tl.constexpr, ROWS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the gradients of the inputs of the tanhs, ``z``, and of the stack, for some rows."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    live = rows < n_rows
    LAST: tl.constexpr = (N1, N2, N3, N4)[LAYERS - 1]
    LAST_BLOCK: tl.constexpr = (BLOCK1, BLOCK2, BLOCK3, BLOCK4)[LAYERS - 1]
    columns = tl.arange(0, LAST_BLOCK)
    d = load_rows(upstream, rows, columns, live[:, None] & (columns < LAST)[None, :], LAST)
    if LAYERS > 3:
        d = dense_tanh_gradient(d, w4, y4, z4, rows, live, N3, N4, BLOCK3, BLOCK4, PRECISION)
    if LAYERS > 2:
        d = dense_tanh_gradient(d, w3, y3, z3, rows, live, N2, N3, BLOCK2, BLOCK3, PRECISION)
    if LAYERS > 1:
        d = dense_tanh_gradient(d, w2, y2, z2, rows, live, N1, N2, BLOCK1, BLOCK2, PRECISION)
    d = dense_tanh_gradient(d, w1, y1, z1, rows, live, N0, N1, BLOCK0, BLOCK1, PRECISION)
    columns = tl.arange(0, BLOCK0)
    mask = live[:, None] & (columns < N0)[None, :]
    tl.store(d_x + rows[:, None] * N0 + columns[None, :], d, mask)


@triton.jit
def segment_sum(
    values, first, out, WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr
):  # fmt: skip
    """Write the sum of the rows of one segment."""
    segment = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    used = columns < WIDTH
    total = tl.zeros((BLOCK,), tl.float32)
    end = tl.load(first + segment + 1)
    for start in range(tl.load(first + segment), end, ROWS):
        rows = start + tl.arange(0, ROWS)
        mask = (rows < end)[:, None] & used[None, :]
        total += tl.sum(load_rows(values, rows, columns, mask, WIDTH), axis=0)
    tl.store(out + segment * WIDTH + columns, total, used)


@triton.jit
def scaled_sum(
    carried, direction, scales, neighbour, pair, first, out, offset,
    COMPONENTS: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
    STRIDE: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Write Σ (carried[neighbour] + direction) scale over one atom's pairs, for one component.

    ``scales`` are the columns from ``offset`` on of an array (P, STRIDE), of the row ``pair`` of
    each of the atom's pairs, its own or its reverse. ``carried`` or ``direction`` may be absent.
    """
    atom = tl.program_id(0).to(tl.int64)
    component = tl.program_id(1)
    columns = tl.arange(0, BLOCK)
    used = columns < CHANNELS
    total = tl.zeros((BLOCK,), tl.float32)
    end = tl.load(first + atom + 1)
    for start in range(tl.load(first + atom), end, ROWS):
        pairs = start + tl.arange(0, ROWS)
        live = pairs < end
        mask = live[:, None] & used[None, :]
        scaled_by = pairs
        if pair is not None:
            scaled_by = tl.load(pair + pairs, live, 0)
        value = tl.zeros((ROWS, BLOCK), tl.float32)
        if direction is not None:
            value += tl.load(direction + pairs * COMPONENTS + component, live, 0.0)[:, None]
        if carried is not None:
            j = tl.load(neighbour + pairs, live, 0)
            value += load_rows(carried, j * COMPONENTS + component, columns, mask, CHANNELS)
        scale = load_rows(scales + offset, scaled_by, columns, mask, STRIDE)
        total += tl.sum(value * scale, axis=0)
    tl.store(out + (atom * COMPONENTS + component) * CHANNELS + columns, total, used)


@triton.jit
def scale_gradient(
    of_sum, of_carried, carried, direction, pair_i, pair_j, out, n_pairs, offset,
    COMPONENTS: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
    STRIDE: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Write the gradient of one slice, CHANNELS columns from ``offset`` on, of what pairs add.

    That of the plain sum, ``of_sum`` (N, STRIDE), and that of the scaled sums, ``of_carried``
    (N, COMPONENTS, CHANNELS); the slice of the scalars has no such components.
    """
    pairs = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, BLOCK)
    live = pairs < n_pairs
    mask = live[:, None] & (columns < CHANNELS)[None, :]
    i = tl.load(pair_i + pairs, live, 0)
    total = load_rows(of_sum + offset, i, columns, mask, STRIDE)
    for component in tl.static_range(COMPONENTS):
        value = tl.zeros((ROWS, BLOCK), tl.float32)
        value += tl.load(direction + pairs * COMPONENTS + component, live, 0.0)[:, None]
        if carried is not None:
            j = tl.load(pair_j + pairs, live, 0)
            value += load_rows(carried, j * COMPONENTS + component, columns, mask, CHANNELS)
        total += value * load_rows(of_carried, i * COMPONENTS + component, columns, mask, CHANNELS)
    tl.store(out + offset + pairs[:, None] * STRIDE + columns[None, :], total, mask)
