"""Models of any kind by the files at a path: what tells a density from multipoles is one place."""

from pathlib import Path

from mepflow.errors import InputError
from mepflow.models.model_formats import is_density_model
from mepflow.prediction.model_folder import Ensemble, model_files
from mepflow.prediction.model_set import ModelSet
from mepflow.storage.shipped_files import shipped_folder


def load_models(
    path: Path | str | None = None, device: str = "cpu", *, double_precision: bool = False
) -> ModelSet:
    """Read a model file, or all models of a folder; without ``path`` the default ones.

    A file says by itself whether it holds multipoles or a density
    (:mod:`mepflow.models.model_formats`). Raises :class:`InputError` where there is no model, a
    file is damaged, or the models of a folder are of different kinds or variants.
    """
    if shipped_folder(path) is None:
        kinds = {is_density_model(file) for file in model_files(path)}
        if len(kinds) > 1:
            raise InputError(f"{path} holds models of multipoles and of densities: give one kind.")
        if kinds == {True}:
            # Imported here: only models of the density need its networks.
            from mepflow.prediction.density_models import DensityEnsemble

            return DensityEnsemble.load(path, device, double_precision=double_precision)
    return Ensemble.load(path, device, double_precision=double_precision)
