"""What TF32 and bfloat16 change in a trained model's errors.

Run from the repository's root, in the project's environment, after a run of the default::

    python benchmarks/precision.py --results results

A model of that run is trained anew in each precision with some seeds, and the test molecules are
predicted with it. Here no GPU is needed: bfloat16 is PyTorch's own on the CPU; TF32 is imitated by
rounding what enters each product of matrices, forward and backward, to TF32's 11 significant bits,
as the units of a GPU do before they multiply exactly and add in float32.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from measuring import machine, markdown_table, write
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.evaluation.model_evaluation import Evaluation, evaluate_models  # noqa: E402
from mepflow.models.variants import Variant  # noqa: E402
from mepflow.nn.pinet2 import native  # noqa: E402
from mepflow.runs.provenance import record_path  # noqa: E402
from mepflow.training.run import train  # noqa: E402

PRECISIONS: Final = ("float32", "tf32", "bf16")
PRODUCTS: Final = ("mm", "addmm", "bmm", "baddbmm")
DROPPED_BITS: Final = 13
"""Bits of float32's mantissa that TF32 does not have."""


def main() -> None:
    """Train, evaluate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--dataset", default="qm9")
    parser.add_argument("--variant", default="AC-DQ-dw100")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    here = machine()
    folder = options.results / options.dataset
    model = folder / "models" / options.variant / "seed-1" / "model.pt"
    params = json.loads(record_path(model).read_text())["params"]
    cases = []
    for precision in PRECISIONS:
        found = [errors(folder, options.variant, params, precision, s) for s in options.seeds]
        cases.append({"precision": precision, "seeds": found})
    result = {"machine": here, "variant": options.variant, "cases": cases}
    header = ["precision", "MEP, kcal/mol/e", "dipole, e bohr", "quadrupole, e bohr²"]
    rows = [[case["precision"], *map(means_and_range, columns(case["seeds"]))] for case in cases]
    write("precision", result, markdown_table(header, rows))


def errors(
    folder: Path, variant: str, params: dict[str, Any], precision: str, seed: int
) -> dict[str, float]:
    """Return the median errors of one training over the test molecules."""
    reference = folder / "reference" / "reference.h5"
    splits = folder / "molecules" / "splits.csv"
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, imitated(precision):
        made = Path(name)
        train(
            reference=reference,
            splits=splits,
            variant=Variant.from_row(variant, params["variant"]),
            network=params["network"],
            training={**params["training"], "precision": precision, "device": "cpu"},
            seed=seed,
            state_folder=made / "state",
            model_path=made / "model.pt",
            log_path=made / "training.csv",
        )
        files = Evaluation(made / "model.pt", made / "p.h5", made / "mep.csv", made / "m.csv")
        evaluate_models([files], reference, splits, "cpu")
        mep, multipoles = pd.read_csv(files.mep), pd.read_csv(files.multipoles)
    return {
        "mep": float(mep.loc[mep["grid"] == "mk", "rmse_kcal_per_mol_e"].median()),
        "dipole": float(multipoles["dipole_rmse_e_bohr"].median()),
        "quadrupole": float(multipoles["quadrupole_rmse_e_bohr2"].median()),
        "seconds": time.perf_counter() - start,
    }


@contextlib.contextmanager
def imitated(precision: str) -> Iterator[None]:
    """Let the products in the block be those of a precision."""
    if precision != "tf32":
        yield
        return
    with native.switched_off(), RoundedProducts():
        yield


class RoundedProducts(TorchDispatchMode):
    """Rounds the matrices that are multiplied to TF32."""

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.overloadpacket.__name__
        if name in PRODUCTS:
            first = len(args) - 2  # what is added to a product is not rounded
            args = (*args[:first], *(to_tf32(values) for values in args[first:]))
        return function(*args, **(kwargs or {}))


def to_tf32(values: Tensor) -> Tensor:
    """Return the nearest TF32 numbers; of two that are equally near, the larger one."""
    if values.dtype != torch.float32:
        return values
    bits = values.contiguous().view(torch.int32)
    half, mask = 1 << (DROPPED_BITS - 1), -(1 << DROPPED_BITS)
    return ((bits + half) & mask).view(torch.float32)


def columns(found: list[dict[str, float]]) -> list[list[float]]:
    """Return the errors of all seeds, by kind."""
    return [[errors[kind] for errors in found] for kind in ("mep", "dipole", "quadrupole")]


def means_and_range(values: list[float]) -> str:
    """Return the mean over the seeds, and the smallest and largest."""
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
