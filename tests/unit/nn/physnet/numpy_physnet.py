"""PhysNet once more, in NumPy: slow, literal, an atom and a pair at a time.

Written from the equations of the paper and its code, independently of the package, to test it.
"""

import numpy as np


def sigma(x):
    return np.log1p(np.exp(x)) - np.log(2.0)


def softplus(x):
    return np.where(x > 30, x, np.log1p(np.exp(np.minimum(x, 30))))


def cutoff(r, r_c):
    x = r / r_c
    return 1 - 6 * x**5 + 15 * x**4 - 10 * x**3 if r < r_c else 0.0


def radial(w, r, r_c):
    m, beta = softplus(w["radial.raw_centres"]), softplus(w["radial.raw_widths"])
    return cutoff(r, r_c) * np.exp(-beta * (np.exp(-r) - m) ** 2)


def dense(w, name, x):
    y = w[f"{name}.weight"] @ x
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def residuals(w, name, number, x):
    for k in range(number):
        inner = sigma(dense(w, f"{name}.{k}.first", sigma(x)))
        x = x + dense(w, f"{name}.{k}.second", inner)
    return x


def forward(settings, w, species, positions):
    """Return the outputs (n, n_outputs) of one molecule, positions in ångström."""
    n, r_c = len(species), settings.cutoff_angstrom
    x = [w["embedding"][z] for z in species]
    total = [np.zeros(len(settings.outputs)) for _ in range(n)]
    for t in range(settings.modules):
        at = f"steps.{t}"
        new = []
        for i in range(n):
            v = sigma(dense(w, f"{at}.of_centre", sigma(x[i])))
            for j in range(n):
                r = np.linalg.norm(positions[j] - positions[i])
                if j != i and r < r_c:
                    filtered = dense(w, f"{at}.of_distance", radial(w, r, r_c))
                    v = v + filtered * sigma(dense(w, f"{at}.of_neighbour", sigma(x[j])))
            v = residuals(w, f"{at}.interaction", settings.interaction_residuals, v)
            changed = w[f"{at}.gate"] * x[i] + dense(w, f"{at}.dense", sigma(v))
            new.append(residuals(w, f"{at}.atomic", settings.atomic_residuals, changed))
        x = new
        for i in range(n):
            o = residuals(w, f"outputs.{t}.residuals", settings.output_residuals, x[i])
            total[i] = total[i] + dense(w, f"outputs.{t}.last", sigma(o))
    scaled = [w["scale"][z] * y + w["shift"][z] for z, y in zip(species, total, strict=True)]
    return np.array(scaled)
