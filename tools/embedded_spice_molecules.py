"""Molecules of the embedded archive in SPICE's layout: groups, and what is special about some."""

from dataclasses import dataclass
from typing import Final

# Name of the group, SMILES, subset. Quick and special ones first.
_TABLE: Final = """
trimethylammonium       C[NH+](C)C          ions
iodoethane              CCI                 halogens
ethanethiol             CCS                 fragments
propan-2-ol             CC(C)O              fragments
2-fluoroethanol         OCCF                halogens
formamide-water         NC=O.O              dimers
1-chloropropane         CCCCl               halogens
acetic_acid             CC(=O)O             fragments
isopropanol             OC(C)C              fragments
methoxyethane           CCOC                fragments
trimethylamine          CN(C)C              fragments
propanenitrile          CCC#N               fragments
N-methylacetamide       CC(=O)NC            fragments
methyl_acetate          COC(C)=O            fragments
N-methylurea            CNC(N)=O            fragments
methyl_carbamate        COC(N)=O            fragments
butan-2-one             CCC(C)=O            fragments
nitroethane             CC[N+](=O)[O-]      fragments
dimethyl_sulfoxide      CS(C)=O             fragments
dimethyl_sulfone        CS(C)(=O)=O         fragments
methanesulfonamide      CS(N)(=O)=O         fragments
methylsulfanylethane    CCSC                fragments
trimethylphosphane      CP(C)C              fragments
trimethylphosphane_oxide  CP(C)(C)=O        fragments
methylphosphonic_acid   CP(O)(O)=O          fragments
methyl_phosphate        COP(O)(O)=O         fragments
2-bromopropane          CC(C)Br             halogens
2-bromofuran            Brc1ccco1           halogens
4-bromopyrazole         Brc1cn[nH]c1        halogens
bromoacetonitrile       BrCC#N              halogens
chloroacetamide         NC(=O)CCl           halogens
2-chlorothiophene       Clc1cccs1           halogens
2-chloropyridine        Clc1ccccn1          halogens
trifluoroethylamine     NCC(F)(F)F          halogens
fluoroacetone           CC(=O)CF            halogens
fluorobenzene           Fc1ccccc1           halogens
pyridine                c1ccncc1            fragments
pyrrole                 c1cc[nH]c1          fragments
imidazole               c1c[nH]cn1          fragments
furan                   c1ccoc1             fragments
thiophene               c1ccsc1             fragments
thiazole                c1cscn1             fragments
morpholine              C1COCCN1            fragments
phenol                  Oc1ccccc1           fragments
ethyl_formate           CCOC=O              fragments
acetaldehyde            CC=O                fragments
acetone                 CC(C)=O             fragments
acrolein                C=CC=O              fragments
acetamide               CC(N)=O             fragments
acrylamide              C=CC(N)=O           fragments
N,N-dimethylformamide   CN(C)C=O            fragments
methyl_formate          COC=O               fragments
dimethoxymethane        COCOC               fragments
oxetane                 C1COC1              fragments
cyclobutanone           O=C1CCC1            fragments
ethylene_carbonate      O=C1OCCO1           fragments
2-oxazolidinone         O=C1NCCO1           fragments
ethane-1,2-diol         OCCO                fragments
2-aminoethanol          NCCO                fragments
propan-1-amine          CCCN                fragments
azetidine               C1CNC1              fragments
acetonitrile            CC#N                fragments
acrylonitrile           C=CC#N              fragments
dimethylcyanamide       CN(C)C#N            fragments
nitromethane            C[N+](=O)[O-]       fragments
acetone_oxime           CC(C)=NO            fragments
acetamidine             CC(N)=N             fragments
methylhydrazine         CNN                 fragments
methyl_isocyanate       CN=C=O              fragments
azidomethane            CN=[N+]=[N-]        fragments
prop-2-yn-1-ol          C#CCO               fragments
buta-1,3-diene          C=CC=C              fragments
benzene                 c1ccccc1            fragments
pyrimidine              c1cncnc1            fragments
pyrazine                c1cnccn1            fragments
pyrazole                c1cn[nH]c1          fragments
1,2,3-triazole          c1c[nH]nn1          fragments
oxazole                 c1cocn1             fragments
isoxazole               c1cnoc1             fragments
dimethyl_sulfide        CSC                 fragments
methylsulfanylethene    C=CSC               fragments
thietane                C1CSC1              fragments
thioacetamide           CC(N)=S             fragments
methyl_thiocyanate      CSC#N               fragments
methyl_isothiocyanate   CN=C=S              fragments
isothiazole             c1cnsc1             fragments
2-sulfanylethanol       OCCS                fragments
ethylphosphane          CCP                 fragments
dimethylphosphane       CPC                 fragments
ethenylphosphane        C=CP                fragments
phosphanylmethanol      OCP                 fragments
dimethylphosphane_oxide  C[PH](C)=O         fragments
dimethylphosphinic_acid  CP(C)(O)=O         fragments
methyl_phosphinate      CO[PH2]=O           fragments
difluoro(methyl)phosphane  CP(F)F           halogens
phosphinine             c1ccpcc1            fragments
bromoethane             CCBr                halogens
bromoethene             C=CBr               halogens
2-bromoethanol          OCCBr               halogens
3-bromopropene          C=CCBr              halogens
bromoacetone            CC(=O)CBr           halogens
bromochloromethane      ClCBr               halogens
3-bromothiophene        Brc1ccsc1           halogens
2-bromoimidazole        Brc1ncc[nH]1        halogens
chloroethane            CCCl                halogens
chloroethene            C=CCl               halogens
chloroacetone           CC(=O)CCl           halogens
2-chloroethanol         OCCCl               halogens
chloroacetonitrile      ClCC#N              halogens
acetyl_chloride         CC(=O)Cl            halogens
4-chloropyrazole        Clc1cn[nH]c1        halogens
fluoroethane            CCF                 halogens
1,1-difluoroethane      CC(F)F              halogens
fluoroacetonitrile      FCC#N               halogens
acetyl_fluoride         CC(=O)F             halogens
1,1-difluoroethene      C=C(F)F             halogens
fluoroacetamide         NC(=O)CF            halogens
methanesulfonyl_fluoride  CS(=O)(=O)F       halogens
3-fluoropyrrole         Fc1cc[nH]c1         halogens
"""
EMPTY: Final = "ethyl_formate"
WITHOUT_MBIS: Final = "methoxyethane"
REPEATED: Final = "propan-2-ol"
"""The molecule of ``isopropanol`` once more, which comes first in the file."""
SEVERAL: Final = (
    "isopropanol",
    "2-fluoroethanol",
    "1-chloropropane",
    "N-methylacetamide",
    "methyl_phosphate",
    "2-aminoethanol",
)
"""Groups of three conformers; the others have one."""
WITH_IODINE: Final = "iodoethane"


@dataclass(frozen=True)
class Entry:
    """One line of the table: group name, SMILES and subset."""

    name: str
    smiles: str
    subset: str

    @property
    def has_potential(self) -> bool:
        """Whether the default run can take it: neutral, one molecule, no other's repetition."""
        left_out = (EMPTY, REPEATED, WITH_IODINE)
        return self.subset in ("fragments", "halogens") and self.name not in left_out


ENTRIES: Final = tuple(Entry(*line.split()) for line in _TABLE.strip().splitlines())
