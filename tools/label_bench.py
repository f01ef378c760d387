"""Molecules and ions of the bench set: of known interest to chemists, learned from by no model.

One line per molecule, SMILES and name. The list is our own choice: solvents, electrolytes, models
of side chains, amino acids as zwitterions, dipeptides, nucleobases, drugs and fragments of them,
and partners of hydrogen and halogen bonds. Which order they are computed in, and that none of them
is trained on, is decided in :mod:`label_molecules`.
"""

from typing import Final

_SMALL: Final = """
C1CCCCC1C            methylcyclohexane
Cc1ccccc1            toluene
COc1ccccc1           anisole
O=Cc1ccccc1          benzaldehyde
N#Cc1ccccc1          benzonitrile
O=C(O)c1ccccc1       benzoic acid
CC(=O)c1ccccc1       acetophenone
O=[N+]([O-])c1ccccc1  nitrobenzene
Nc1ccc([N+](=O)[O-])cc1  4-nitroaniline
Cc1ccc(O)cc1         p-cresol
Oc1ccccc1O           catechol
COc1cc(C=O)ccc1O     vanillin
O=C(O)c1ccccc1O      salicylic acid
CC(=O)Nc1ccc(O)cc1   paracetamol
Clc1ccccc1           chlorobenzene
Brc1ccccc1           bromobenzene
Fc1cc(F)c(Br)c(F)c1  2,4,6-trifluorobromobenzene
Clc1cccnc1           3-chloropyridine
BrC(Br)Br            bromoform
BrC(F)(F)F           bromotrifluoromethane
ClC(Cl)Cl            chloroform
ClCCl                dichloromethane
ClCCCl               1,2-dichloroethane
FC(F)(F)C(Cl)Br      halothane
OC(C(F)(F)F)C(F)(F)F  hexafluoroisopropanol
O=C(O)C(F)(F)F       trifluoroacetic acid
CCOC(C)=O            ethyl acetate
CC(=O)N(C)C          N,N-dimethylacetamide
O=S1(=O)CCCC1        sulfolane
CC1COC(=O)O1         propylene carbonate
CCOC(=O)OCC          diethyl carbonate
C1COCCO1             1,4-dioxane
CN(C)P(=O)(N(C)C)N(C)C  hexamethylphosphoramide
COP(=O)(OC)OC        trimethyl phosphate
CCOP(=O)(OCC)OCC     triethyl phosphate
COP(C)(=O)OC         dimethyl methylphosphonate
CC(C)OP(C)(=O)F      sarin
COP(=O)(OC)OC=C(Cl)Cl  dichlorvos
CC1OC1P(=O)(O)O      fosfomycin
CC(=O)CC(C)=O        acetylacetone
CC(O)C(=O)[O-]       lactate
CC(=O)C(=O)[O-]      pyruvate
O=C([O-])c1ccccc1    benzoate
[O-]c1ccccc1         phenolate
CCC(=O)[O-]          propionate
COP(=O)([O-])OC      dimethyl phosphate anion
O=S(=O)([O-])C(F)(F)F  triflate
O=S(=O)(F)[N-]S(=O)(=O)F  bis(fluorosulfonyl)imide
Cc1ccc(S(=O)(=O)[O-])cc1  tosylate
CC[n+]1ccn(C)c1      1-ethyl-3-methylimidazolium
C[n+]1ccccc1         N-methylpyridinium
C[N+](C)(C)C         tetramethylammonium
C[N+](C)(C)CCO       choline
CC(=O)OCC[N+](C)(C)C  acetylcholine
CCCC[NH3+]           butylammonium
CCCNC(N)=[NH2+]      N-propylguanidinium
Cc1c[nH]c[nH+]1      4-methylimidazolium
NC(N)=[NH2+]         guanidinium
NCCc1c[nH]cn1        histamine
[NH3+]CCc1ccc(O)c(O)c1  dopamine cation
CN(C)C(=[NH2+])NC(N)=N  metformin cation
C[C@H]([NH3+])C(=O)[O-]  alanine zwitterion
[NH3+][C@@H](CO)C(=O)[O-]  serine zwitterion
[NH3+][C@@H](CS)C(=O)[O-]  cysteine zwitterion
C[C@@H](O)[C@H]([NH3+])C(=O)[O-]  threonine zwitterion
CC(C)[C@H]([NH3+])C(=O)[O-]  valine zwitterion
O=C([O-])[C@@H]1CCC[NH2+]1  proline zwitterion
NC(=O)C[C@H]([NH3+])C(=O)[O-]  asparagine zwitterion
CSCC[C@H]([NH3+])C(=O)[O-]  methionine zwitterion
[NH3+]CCCC(=O)[O-]   4-aminobutanoic acid zwitterion
C[N+](C)(C)CC(=O)[O-]  betaine
[NH3+]CCS(=O)(=O)[O-]  taurine
CN(CC(=O)[O-])C(N)=[NH2+]  creatine
O=C([O-])C[NH2+]CP(=O)(O)O  glyphosate zwitterion
[NH3+]CC(=O)NCC(=O)[O-]  glycylglycine zwitterion
CNC(=O)CNC(C)=O      N-acetylglycine N'-methylamide
CNC(=O)[C@H](C)NC(C)=O  N-acetylalanine N'-methylamide
O=c1cc[nH]c(=O)[nH]1  uracil
Nc1cc[nH]c(=O)n1     cytosine
Cc1c[nH]c(=O)[nH]c1=O  thymine
O=c1[nH]cc(F)c(=O)[nH]1  5-fluorouracil
Nc1ncnc2[nH]cnc12    adenine
Nc1nc2[nH]cnc2c(=O)[nH]1  guanine
OC[C@H]1OC(O)[C@H](O)[C@@H]1O  ribose (furanose)
c1ccc2[nH]ccc2c1     indole
c1ccc2ncccc2c1       quinoline
c1ccc2ccccc2c1       naphthalene
c1ccc2[nH]cnc2c1     benzimidazole
c1ccc2scnc2c1        benzothiazole
O=c1ccc2ccccc2o1     coumarin
CN(C)c1ccncc1        4-dimethylaminopyridine
[O-][n+]1ccccc1      pyridine N-oxide
c1cnsn1              1,2,5-thiadiazole
NNC(=O)c1ccncc1      isoniazid
Nc1ccc(S(N)(=O)=O)cc1  sulfanilamide
NS(=O)(=O)c1ccccc1   benzenesulfonamide
S=c1nc[nH]c2nc[nH]c12  mercaptopurine
CN1C=CN(C)C1=S       1,3-dimethylimidazole-2-thione
NC(N)=S              thiourea
CSSC                 dimethyl disulfide
CC1=CC[C@H](CC1)C(C)=C  limonene
CC(C)(S)[C@@H]([NH3+])C(=O)[O-]  penicillamine zwitterion
"""

_LARGE: Final = """
CC(=O)Oc1ccccc1C(=O)O  aspirin
CC(C)Cc1ccc(cc1)C(C)C(=O)O  ibuprofen
Cn1c(=O)c2c(ncn2C)n(C)c1=O  caffeine
CN1CCC[C@H]1c1cccnc1  nicotine
CCN(CC)CC(=O)Nc1c(C)cccc1C  lidocaine
NCCc1c[nH]c2ccc(O)cc12  serotonin
C[NH2+]C[C@H](O)c1ccc(O)c(O)c1  adrenaline cation
CC(=O)NS(=O)(=O)c1ccc(N)cc1  sulfacetamide
CC(=O)Nc1nnc(S(N)(=O)=O)s1  acetazolamide
O=c1[nH]s(=O)(=O)c2ccccc12  saccharin
ClCCN(CCCl)P1(=O)NCCCO1  cyclophosphamide
CC(CS)C(=O)N1CCC[C@H]1C(=O)O  captopril
CC1(C)NC(=O)NC1=O  5,5-dimethylhydantoin
Cc1ncc([N+](=O)[O-])n1CCO  metronidazole
CCOC(=O)c1ccc(N)cc1  benzocaine
Nc1ccn([C@@H]2O[C@H](CO)[C@@H](O)[C@H]2O)c(=O)n1  cytidine
OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O  beta-D-glucopyranose
OC[C@H](O)[C@H]1OC(=O)C(O)=C1O  ascorbic acid
OC(=O)CC(O)(CC(=O)O)C(=O)O  citric acid
[NH3+][C@@H](Cc1ccccc1)C(=O)[O-]  phenylalanine zwitterion
[NH3+][C@@H](Cc1c[nH]c2ccccc12)C(=O)[O-]  tryptophan zwitterion
CNC(=O)[C@H](CC(N)=O)NC(C)=O  N-acetylasparagine N'-methylamide
[NH3+]CC(=O)NCC(=O)NCC(=O)[O-]  triglycine zwitterion
O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F  bis(trifluoromethylsulfonyl)imide
Fc1c(F)c(F)c(Br)c(F)c1F  bromopentafluorobenzene
c1ccc(-c2ccccn2)nc1  2,2'-bipyridine
c1ccc2c(c1)Nc1ccccc1S2  phenothiazine
FCOC(C(F)(F)F)C(F)(F)F  sevoflurane
"""

Line = tuple[str, str]


def bench_molecules() -> list[Line]:
    """Return SMILES and name of every molecule of the bench set, as written above."""
    lines = [line.split(maxsplit=1) for line in (_SMALL + _LARGE).splitlines() if line]
    return [(smiles, name) for smiles, name in lines]
