"""Settings of all tests."""

import contextlib
import os
import sys

import pytest
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("mepflow", deadline=None)
settings.load_profile("mepflow")

# Triton looks at this when it is imported, which other libraries do, too: in this process the
# kernels for GPUs are interpreted, in those that it starts they are not.
os.environ["TRITON_INTERPRET"] = "1"
with contextlib.suppress(ImportError):
    import mepflow.nn.gpu_kernels  # noqa: F401
del os.environ["TRITON_INTERPRET"]


@pytest.fixture(autouse=True)
def _uninitialised_memory_is_nan():
    """Let PyTorch fill memory that nothing was written to, so that no test passes by chance."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    # A process that is forked off waits for ever for the threads of OpenMP that its parent had.
    torch.set_num_threads(1)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(before)
