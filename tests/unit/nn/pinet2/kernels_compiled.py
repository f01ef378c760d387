"""Compile the network's GPU kernels for a GPU that need not be there, and say what they take.

Usage: ``kernels_compiled.py CAPABILITY PRECISION``, such as 90 and tf32x3. Prints a JSON list with
name, registers, bytes of stack (of registers that did not suffice) and bytes of shared memory of
every kernel that a training step of the large network with 100 molecules launches.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from mepflow.nn import gpu, gpu_kernels, stack_kernels
from mepflow.nn.graph import build_graph
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.pinet2_network import PiNet2
from pinet2_cases import molecule, settings

TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.int64: "*i64"}
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


def launches(precision: str) -> list[tuple[str, list[str | None], dict[str, Any]]]:
    """Return name, types of the arguments and constants of all different launches of a step."""
    found = {}

    def note(name: str, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
        types = [
            TYPES[a.dtype] if isinstance(a, torch.Tensor) else None if a is None else "i32"
            for a in arguments
        ]
        found[json.dumps([name, types, constants])] = (name, types, constants)

    gpu.launch = note
    stack_kernels._precision = lambda: precision
    model = PiNet2(settings(nodes=64, n_basis=10))
    graph = build_graph([molecule(k, 18) for k in range(100)], 4.5, torch.float32)
    with gpu.only_on("cpu"), native.switched_off():
        model(graph)["p1"].sum().backward()
    return list(found.values())


def compiled(
    name: str, types: list[str | None], constants: dict[str, Any], capability: int
) -> dict[str, Any]:
    """Return what a kernel takes of a multiprocessor of a compute capability."""
    kernel = getattr(gpu_kernels, name)
    arguments = dict(zip(kernel.arg_names, types, strict=False))
    absent = [argument for argument, kind in arguments.items() if kind is None]
    known = {**constants, **dict.fromkeys(absent)}
    aligned = {
        (place,): [["tt.divisibility", 16]]
        for place, argument in enumerate(kernel.arg_names)
        if str(arguments.get(argument)).startswith("*")
    }
    signature = {argument: arguments.get(argument) or "constexpr" for argument in kernel.arg_names}
    source = ASTSource(kernel, signature=signature, constexprs=known, attrs=aligned)
    program = triton.compile(source, target=GPUTarget("cuda", capability, 32))
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(program.asm["cubin"])
        file.flush()
        usage = subprocess.run(
            [CUOBJDUMP, "--dump-resource-usage", file.name], capture_output=True, check=True
        ).stdout.decode()
    registers, stack = map(int, re.search(r"REG:(\d+) STACK:(\d+)", usage).groups())
    return {
        "name": name,
        "rows": constants["ROWS"],
        "registers": registers,
        "stack": stack,
        "shared": program.metadata.shared,
        "tensor cores": "mma" in program.asm["ptx"],
    }


if __name__ == "__main__":
    print(json.dumps([compiled(*launch, int(sys.argv[1])) for launch in launches(sys.argv[2])]))  # noqa: T201
