"""Models of another data set beside a data set's own, judged on the same test molecules.

The models of a data set A were also evaluated on those test molecules of B that they can be asked
about (:func:`mepflow.models.predict.own_kind`) and have not learned from
(:func:`mepflow.evaluation.seen_molecules.find_known`). B's own models are compared with them on
these molecules alone, so that the two numbers differ by the training data and nothing else. Data
sets may differ in their level of theory: an error of A's models on B then holds that difference
too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source, read_sources, sources_of

_PREFIX: Final = "from-"
"""What stands before the name of the models' data set in a folder's name."""

ByDataset = Mapping[str, Sequence[Source]]


@dataclass(frozen=True)
class Comparison:
    """Errors of one variant on the same molecules: of the own models, and of another data set's.

    Both have a row per molecule and seed; they are empty where no molecule could be asked about.
    """

    source: str
    variant: str
    own: pd.DataFrame
    foreign: pd.DataFrame


def transfer_sources(paths: Iterable[str | Path]) -> dict[str, list[Source]]:
    """Return the sources of files ``…/from-{data set}/{variant}/seed-{seed}/…`` by data set."""
    grouped: dict[str, list[Source]] = {}
    for source in sources_of(paths):
        dataset = source.path.parents[2].name.removeprefix(_PREFIX)
        grouped.setdefault(dataset, []).append(source)
    return grouped


def comparisons(
    own: Sequence[Source], foreign: ByDataset, grid: str | None = None
) -> Iterator[Comparison]:
    """Yield a comparison per data set and variant of the ``foreign`` models, in their order.

    All are per-molecule CSV files of the target's test molecules; of those of the MEP, ``grid``
    names the grid. Raises :class:`InputError` where the own models lack a molecule or a variant.
    """
    own_errors = _on_grid(read_sources(own), grid)
    for dataset, sources in foreign.items():
        errors = _on_grid(read_sources(sources), grid)
        for variant in dict.fromkeys(source.name for source in sources):
            of_foreign = errors[errors["name"] == variant]
            ids = set(of_foreign["id"])
            of_own = own_errors[(own_errors["name"] == variant) & own_errors["id"].isin(ids)]
            if set(of_own["id"]) != ids:
                raise InputError(
                    f"the models {variant} of {dataset} were evaluated on molecules that the data "
                    "set's own models were not: delete the results of both and run again."
                )
            yield Comparison(dataset, variant, of_own, of_foreign)


def _on_grid(errors: pd.DataFrame, grid: str | None) -> pd.DataFrame:
    return errors if grid is None else errors[errors["grid"] == grid]
