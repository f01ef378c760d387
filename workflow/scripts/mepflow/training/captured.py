"""Steps of a training that a GPU repeats from a recording.

A step is some hundred short kernels, and each launch takes the host some microseconds. So the
launches of a step are recorded once for each capacity of a batch, as a CUDA graph, and replayed as
a whole.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mepflow.training.batches import IntArray
from mepflow.training.padding import Capacity

Step = Callable[[Tensor, Capacity], Tensor]
"""From the rows of a batch, on the device, and its capacity to the loss; all on the device."""


_recording = threading.Lock()


class CapturedSteps:
    """Runs a step from its recording, which its first run with a capacity makes.

    ``step`` may use the host only to launch kernels, and no tensors that are replaced between two
    calls. Everything runs in a stream of its own, so that several trainings can share a GPU.
    """

    def __init__(self, step: Step, batch_size: int, device: torch.device) -> None:
        self._step = step
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._rows = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._recorded: dict[Capacity, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        """Run the work of the block in the stream of the steps, and wait for its end."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        self._stream.synchronize()

    def __call__(self, molecules: IntArray, capacity: Capacity) -> Tensor:
        """Do the step of these rows, inside :meth:`stream`; return its loss."""
        self._rows.copy_(torch.from_numpy(molecules), non_blocking=True)
        recorded = self._recorded.get(capacity)
        if recorded is None:
            # This run, an ordinary one, also compiles what the recording needs.
            loss = self._step(self._rows, capacity).clone()
            self._recorded[capacity] = self._record(capacity)
            return loss
        graph, loss = recorded
        graph.replay()
        return loss.clone()

    def _record(self, capacity: Capacity) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        graph = torch.cuda.CUDAGraph()
        # Trainings in other threads may go on meanwhile, but not wait for the whole device.
        with (
            _recording,
            torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ),
        ):
            loss = self._step(self._rows, capacity)
        return graph, loss
