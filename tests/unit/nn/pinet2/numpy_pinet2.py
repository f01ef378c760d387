"""PiNet2 once more, in NumPy: slow, literal, per pair and per atom, in PiNN's names and layouts.

Written from the equations, independently of the package, to test it. Weights come from a callable
of a name and a shape, so the equations themselves say which weights there are.
"""

import math

import numpy as np


class Weights(dict):
    """Weights by PiNN's name; one that is asked for and not there yet is drawn at random."""

    def __init__(self, seed, given=()):
        super().__init__(given)
        self.generator = np.random.default_rng(seed)

    def __call__(self, name, *shape):
        if name not in self:
            self[name] = self.generator.normal(0.0, 1.0 / math.sqrt(shape[0]), shape)
        assert self[name].shape == shape, name
        return np.asarray(self[name], dtype=float)


def dense(weights, name, x, width, bias=True, tanh=True):
    y = x @ weights(f"{name}.kernel", x.shape[-1], width)
    if bias:
        y = y + weights(f"{name}.bias", width)
    return np.tanh(y) if tanh else y


def stack(weights, name, x, widths, bias=True, tanh=True):
    for k, width in enumerate(widths):
        x = dense(weights, f"{name}.dense_layers.{k}", x, width, bias, tanh)
    return x


def cutoff(settings, d):
    rc = settings.cutoff_angstrom
    return {
        "f1": 0.5 * (math.cos(math.pi * d / rc) + 1.0),
        "f2": (math.tanh(1.0 - d / rc) / math.tanh(1.0)) ** 3,
        "hip": math.cos(0.5 * math.pi * d / rc) ** 2,
    }[settings.cutoff_function]


def radial(settings, d):
    fc = cutoff(settings, d)
    n = settings.n_basis
    if settings.basis == "polynomial":
        return np.array([fc**power for power in range(1, n + 1)])
    centres = [settings.cutoff_angstrom * b / (n - 1) for b in range(n)]
    return np.array([math.exp(-settings.gamma_per_angstrom2 * (d - m) ** 2) * fc for m in centres])


def matrix(components):
    xx, yy, xy, xz, yz = components
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, -xx - yy]])


def direction_matrix(u):
    square = np.outer(u, u) - np.eye(3) / 3.0
    return np.array([square[0, 0], square[1, 1], square[0, 1], square[0, 2], square[1, 2]])


def product(left, right, frobenius):
    """Return the scalar products (C,) of left and right (x, C)."""
    if not frobenius:
        return np.sum(left * right, axis=0)
    channels = range(left.shape[1])
    return np.array([np.sum(matrix(left[:, c]) * matrix(right[:, c])) for c in channels])


def pairs_of(settings, positions, molecule):
    """Return (i, j, distance, unit vector) of the ordered pairs, by i, then j."""
    found = []
    for i, start in enumerate(positions):
        for j, end in enumerate(positions):
            d = math.dist(start, end)
            if molecule[i] == molecule[j] and 0.0 < d < settings.cutoff_angstrom:
                found.append((i, j, d, (end - start) / d))
    return found


def equivariant_layer(settings, weights, name, x, old, pairs, scales):
    """Return p^x (N, x, C), its dot products (N, C), and i^x (P, x, C)."""
    channels = scales.shape[1]
    kind = f"{name}.equivar_p{x}_layer"
    ix = np.zeros((len(pairs), x, channels))
    for p, (i, j, _, u) in enumerate(pairs):
        carried = np.zeros((x, 1))
        if old is not None:
            carried = old[j]
            if settings.weighted:
                width = old.shape[-1]
                carried = old[i] @ weights(f"{kind}.pi_layer.wi.kernel", width, width)
                carried = carried + old[j] @ weights(f"{kind}.pi_layer.wj.kernel", width, width)
        direction = u if x == 3 else direction_matrix(u)
        ix[p] = carried * scales[p] + direction[:, None] * scales[p]
    n_atoms = 1 + max(i for i, *_ in pairs)
    total = np.zeros((n_atoms, x, channels))
    for p, (i, *_) in enumerate(pairs):
        total[i] += ix[p]
    px = dense(weights, f"{kind}.pp_layer.dense_layers.0", total, channels, False, False)
    left = right = px
    if settings.weighted:
        left = px @ weights(f"{kind}.dot_layer.wi.kernel", channels, channels)
        right = px @ weights(f"{kind}.dot_layer.wj.kernel", channels, channels)
    frobenius = x == 5 and not settings.pinn_compatible
    dotted = np.array([product(a, b, frobenius) for a, b in zip(left, right, strict=True)])
    return px, dotted, ix


def block(settings, weights, t, old, pairs):
    """Return the new properties of block t and its inner arrays."""
    nodes, channels = settings.layers, settings.layers.ii[-1]
    n_slices = settings.rank // 2 + 1
    name = f"gc_blocks.{t}"
    pi_widths = (*nodes.pi[:-1], nodes.pi[-1] * settings.n_basis)
    ii_widths = (*nodes.ii[:-1], channels * n_slices)
    i1 = []
    for i, j, d, _ in pairs:
        both = np.concatenate([old["p1"][i], old["p1"][j]])
        pi = stack(weights, f"{name}.invar_p1_layer.pi_layer.ff_layer", both, pi_widths)
        pi = pi.reshape(nodes.pi[-1], settings.n_basis) @ radial(settings, d)
        i1.append(stack(weights, f"{name}.invar_p1_layer.ii_layer", pi, ii_widths, bias=False))
    i1 = np.array(i1)
    total = np.zeros((len(old["p1"]), channels * n_slices))
    for p, (i, *_) in enumerate(pairs):
        total[i] += i1[p]
    p1 = stack(weights, f"{name}.invar_p1_layer.pp_layer", total, nodes.pp, bias=False)
    scales = np.split(i1, n_slices, axis=1)
    inner, scalars, equivariant = {"i1": i1}, [p1], {}
    for x, scale in zip((3, 5), scales[1:], strict=False):
        px, dotted, ix = equivariant_layer(
            settings, weights, name, x, old.get(f"p{x}"), pairs, scale
        )
        equivariant[f"p{x}"] = px
        scalars.append(dotted)
        inner |= {f"dotted_p{x}": dotted, f"i{x}": ix}
    pp_widths = (*nodes.pp[:-1], channels * n_slices)
    mixed = stack(weights, f"{name}.pp_layer", np.concatenate(scalars, axis=1), pp_widths)
    new = {"p1": mixed[:, :channels]}
    for s, (key, px) in enumerate(equivariant.items(), start=1):
        new[key] = px * mixed[:, None, s * channels : (s + 1) * channels]
    return new, inner


def forward(settings, weights, species, positions, molecule):
    """Return the outputs and inner arrays of all blocks by PiNN's names.

    Every atom must have a neighbour: an array's length is that of the last receiving atom.
    """
    pairs = pairs_of(settings, positions, molecule)
    p1 = np.zeros((len(species), len(settings.elements)))
    for atom, element in enumerate(species):
        if element >= 0:
            p1[atom, element] = 1.0
    old = {"p1": p1}
    if settings.pinn_compatible:
        old |= {f"p{x}": np.zeros((len(species), x, 1)) for x in (3, 5) if x <= settings.rank}
    found = {}
    outputs = dict.fromkeys(settings.outputs, 0.0)
    for t in range(settings.depth):
        new, inner = block(settings, weights, t, old, pairs)
        for key in outputs:
            head = f"out_layers.{t}" if key == "p1" else f"{key}_out_layers.{t}"
            bias = key == "p1" or settings.pinn_compatible
            hidden = stack(
                weights, f"{head}.ff_layer", new[key], settings.layers.out, bias, tanh=False
            )
            outputs[key] = outputs[key] + hidden @ weights(
                f"{head}.out_units.kernel", hidden.shape[-1], 1
            )
        found |= {f"block{t}/{key}": values for key, values in inner.items()}
        found |= {f"block{t}/{key}_new": values for key, values in new.items()}
        if t + 1 < settings.depth or settings.pinn_compatible:
            old = residual(weights, t, old, new)
            found |= {f"block{t}/{key}_res": values for key, values in old.items()}
    return {key: value[..., 0] for key, value in outputs.items()}, found


def residual(weights, t, old, new):
    updated = {}
    for key, values in new.items():
        if key not in old:
            updated[key] = values
        elif old[key].shape[-1] == values.shape[-1]:
            updated[key] = old[key] + values
        else:
            name = f"res_update{key[1]}.{t}.transform.kernel"
            shape = (old[key].shape[-1], values.shape[-1])
            updated[key] = old[key] @ weights(name, *shape) + values
    return updated
