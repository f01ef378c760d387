"""Settings of all tests."""

import contextlib
import os

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
