import numpy as np
import pytest

from mepflow.training.batches import batch_of_step


@pytest.mark.parametrize(("n_molecules", "batch_size"), [(10, 4), (12, 4), (5, 12), (7, 1)])
def test_every_epoch_holds_every_molecule_once(n_molecules: int, batch_size: int) -> None:
    molecules = batch_of_step(n_molecules, batch_size, seed=3)
    steps = 6 * n_molecules
    sequence = np.concatenate([molecules(step) for step in range(steps)])
    assert len(sequence) == steps * batch_size
    for epoch in sequence[: len(sequence) // n_molecules * n_molecules].reshape(-1, n_molecules):
        assert sorted(epoch) == list(range(n_molecules))


def test_a_step_has_the_same_molecules_whatever_came_before() -> None:
    in_order = batch_of_step(11, 4, seed=3)
    sequence = [in_order(step) for step in range(30)]
    for step in (29, 0, 17, 17, 3):
        np.testing.assert_array_equal(batch_of_step(11, 4, seed=3)(step), sequence[step])
        np.testing.assert_array_equal(in_order(step), sequence[step])


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = [batch_of_step(50, 50, seed)(epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
