"""Charges by the models of Open Babel: EEM, QEq and QTPIE."""

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from mepflow.errors import InputError


def open_babel_charges(
    molecule: Chem.Mol, total_charge: int, model: str
) -> npt.NDArray[np.float64]:
    """Return the charges (n,) in e of RDKit's ``molecule`` in its conformer, by a charge model.

    Raises :class:`InputError` where Open Babel is not installed or has no parameters.
    """
    try:
        from openbabel import openbabel
    except ImportError:
        raise InputError("Open Babel is not installed") from None
    made, reader = openbabel.OBMol(), openbabel.OBConversion()
    reader.SetInFormat("mol")
    openbabel.obErrorLog.StopLogging()
    reader.ReadString(made, Chem.MolToMolBlock(molecule))
    made.SetTotalCharge(total_charge)
    found = openbabel.OBChargeModel.FindType(model)
    if found is None or not found.ComputeCharges(made):
        raise InputError("Open Babel has no parameters for one of its atoms")
    charges = np.array(list(found.GetPartialCharges()))
    if len(charges) != made.NumAtoms() or not np.isfinite(charges).all():
        raise InputError("Open Babel has no charges for it")
    return charges
