"""What people call a molecule: its common name where it is known here, its formula, its SMILES."""

from typing import Final

from rdkit import Chem, rdBase
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from mepflow.molecules import Molecule
from mepflow.selection.identity import canonical_smiles

SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
COMMON_NAMES: Final[dict[str, str]] = {
    # Chains and small rings of C and H.
    "C": "methane",
    "CC": "ethane",
    "C=C": "ethene",
    "C#C": "ethyne",
    "CCC": "propane",
    "C=CC": "propene",
    "C#CC": "propyne",
    "C=C=C": "allene",
    "C1CC1": "cyclopropane",
    "C=CC=C": "butadiene",
    "C#CC#C": "butadiyne",
    "C1=CCC1": "cyclobutene",
    "C1C2CC12": "bicyclobutane",
    "C1=CCC=C1": "cyclopentadiene",
    "c1ccccc1": "benzene",
    # With nitrogen.
    "N": "ammonia",
    "C#N": "hydrogen cyanide",
    "CN": "methylamine",
    "CNC": "dimethylamine",
    "CN(C)C": "trimethylamine",
    "CCNC": "N-methylethylamine",
    "C1CN1": "aziridine",
    "CC#N": "acetonitrile",
    "CCC#N": "propanenitrile",
    "N#CN": "cyanamide",
    "N#CCN": "aminoacetonitrile",
    "N#CC#N": "cyanogen",
    "N#CCC#N": "malononitrile",
    "c1cc[nH]c1": "pyrrole",
    "c1c[nH]cn1": "imidazole",
    "c1cn[nH]c1": "pyrazole",
    "c1ccncc1": "pyridine",
    "c1cncnc1": "pyrimidine",
    # With oxygen.
    "O": "water",
    "CO": "methanol",
    "C=O": "formaldehyde",
    "CCO": "ethanol",
    "COC": "dimethyl ether",
    "CC=O": "acetaldehyde",
    "O=CO": "formic acid",
    "C1CO1": "oxirane",
    "C=C=O": "ketene",
    "O=C=O": "carbon dioxide",
    "CC(C)=O": "acetone",
    "CC(=O)O": "acetic acid",
    "COC=O": "methyl formate",
    "C=CC=O": "acrolein",
    "O=CC=O": "glyoxal",
    "C1COC1": "oxetane",
    "CC1CO1": "propylene oxide",
    "CCCO": "1-propanol",
    "CC(C)O": "2-propanol",
    "CCOC": "methoxyethane",
    "CCC=O": "propanal",
    "CCC(C)=O": "butanone",
    "C=CCO": "allyl alcohol",
    "OC1CC1": "cyclopropanol",
    "O=C1CC1": "cyclopropanone",
    "O=C1CCC1": "cyclobutanone",
    "O=C1CCO1": "β-propiolactone",
    "O=C1CCCO1": "γ-butyrolactone",
    "C1COCO1": "1,3-dioxolane",
    "C1CCOC1": "tetrahydrofuran",
    "COC(C)=O": "methyl acetate",
    "CCOC=O": "ethyl formate",
    "COCCO": "2-methoxyethanol",
    "COC(=O)OC": "dimethyl carbonate",
    "O=C1OCCO1": "ethylene carbonate",
    "c1ccoc1": "furan",
    "Cc1ccco1": "2-methylfuran",
    "Oc1ccccc1": "phenol",
    # With nitrogen and oxygen.
    "NC=O": "formamide",
    "N=C=O": "isocyanic acid",
    "CN=C=O": "methyl isocyanate",
    "CC(N)=O": "acetamide",
    "NC(N)=O": "urea",
    "CNC=O": "N-methylformamide",
    "CNC(C)=O": "N-methylacetamide",
    "CNC(N)=O": "N-methylurea",
    "CN(C)C=O": "dimethylformamide",
    "NCC(=O)O": "glycine",
    "NCCO": "ethanolamine",
    "CC(O)C#N": "lactonitrile",
    "COC(N)=O": "methyl carbamate",
    "C[N+](=O)[O-]": "nitromethane",
    "CC[N+](=O)[O-]": "nitroethane",
    "c1cocn1": "oxazole",
    "c1cnoc1": "isoxazole",
    "C1COCCN1": "morpholine",
    # With fluorine.
    "CF": "fluoromethane",
    "FCF": "difluoromethane",
    "FC(F)F": "trifluoromethane",
    "C=CF": "fluoroethene",
    "C=C(F)F": "1,1-difluoroethene",
    "FCCF": "1,2-difluoroethane",
    "CC(F)F": "1,1-difluoroethane",
    "CC(F)(F)F": "1,1,1-trifluoroethane",
    "CC(C)F": "2-fluoropropane",
    "C=CCF": "allyl fluoride",
    "FC1CC1": "fluorocyclopropane",
    "O=CF": "formyl fluoride",
    "OCF": "fluoromethanol",
    "OCCF": "2-fluoroethanol",
    "OCC(F)F": "2,2-difluoroethanol",
    "O=CCF": "fluoroacetaldehyde",
    "CC(=O)F": "acetyl fluoride",
    "CC(=O)CF": "fluoroacetone",
    "FC1COCO1": "4-fluoro-1,3-dioxolane",
    "Fc1ccco1": "2-fluorofuran",
    "Fc1ccccc1": "fluorobenzene",
    "NCC(F)(F)F": "2,2,2-trifluoroethylamine",
    "O=C1OCC(F)O1": "fluoroethylene carbonate",
    "O=C1OCC(CF)O1": "fluoropropylene carbonate",
    # With phosphorus, sulphur, chlorine or bromine.
    "CCCCl": "1-chloropropane",
    "CC(C)Br": "2-bromopropane",
    "N#CCBr": "bromoacetonitrile",
    "NC(=O)CCl": "chloroacetamide",
    "Brc1ccco1": "2-bromofuran",
    "Brc1cn[nH]c1": "4-bromopyrazole",
    "Clc1ccccn1": "2-chloropyridine",
    "Clc1cccs1": "2-chlorothiophene",
    "CCS": "ethanethiol",
    "CCSC": "ethyl methyl sulfide",
    "CS(C)=O": "dimethyl sulfoxide",
    "CS(C)(=O)=O": "dimethyl sulfone",
    "CS(N)(=O)=O": "methanesulfonamide",
    "c1ccsc1": "thiophene",
    "c1cscn1": "thiazole",
    "CP(C)C": "trimethylphosphane",
    "CP(C)(C)=O": "trimethylphosphane oxide",
    "CP(=O)(O)O": "methylphosphonic acid",
    "COP(=O)(O)O": "methyl phosphate",
}
"""Common names by canonical SMILES without stereochemistry."""


def common_name(smiles: str) -> str:
    """Return the common name of a molecule, or no text where it is not known here."""
    form = canonical_smiles(smiles) if smiles else None
    return COMMON_NAMES.get(form or "", "")


def formula(molecule: Molecule) -> str:
    """Return the formula in Hill's order, with its total charge, in subscripts as in print."""
    mol = Chem.RWMol()
    for number in molecule.atomic_numbers:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    with rdBase.BlockLogs():
        text = str(CalcMolFormula(mol))
    charge = molecule.total_charge
    sign = "⁺" if charge > 0 else "⁻"
    size = f"{abs(charge)}".translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    ending = (size if abs(charge) > 1 else "") + sign if charge else ""
    return text.translate(SUBSCRIPTS) + ending
