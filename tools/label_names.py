"""Trivial and systematic names of well-known molecules that the rules give, by SMILES."""

from typing import Final

_TABLE: Final = """
CO methanol
CCO ethanol
CCCO propan-1-ol
CC(C)O propan-2-ol
CC(C)(C)O tert-butanol
OCCO ethylene glycol
COC dimethyl ether
CCOCC diethyl ether
C1CCOC1 tetrahydrofuran
COCCOC 1,2-dimethoxyethane
C1COCO1 1,3-dioxolane
CC(C)=O acetone
CCC(C)=O butan-2-one
O=C1CCCC1 cyclopentanone
CC=O acetaldehyde
C=CC=O acrolein
C=O formaldehyde
O=CO formic acid
CC(=O)O acetic acid
CC(=O)OC methyl acetate
COC=O methyl formate
CCOC=O ethyl formate
COC(=O)OC dimethyl carbonate
CCOC(=O)OC ethyl methyl carbonate
O=C1OCCO1 ethylene carbonate
O=C1OCC(F)O1 fluoroethylene carbonate
O=c1occo1 vinylene carbonate
O=C1CCCO1 gamma-butyrolactone
O=S1OCCO1 ethylene sulfite
O=S1(=O)OCCO1 1,3,2-dioxathiolane 2,2-dioxide
NC=O formamide
CNC=O N-methylformamide
CN(C)C=O N,N-dimethylformamide
CC(N)=O acetamide
CNC(C)=O N-methylacetamide
NC(N)=O urea
CNC(N)=O N-methylurea
C=CC(N)=O acrylamide
COC(N)=O methyl carbamate
O=C1CCCN1 2-pyrrolidone
O=C1NCCO1 2-oxazolidinone
CC#N acetonitrile
CCC#N propionitrile
C=CC#N acrylonitrile
N#CCC#N malononitrile
C[N+](=O)[O-] nitromethane
CC[N+](=O)[O-] nitroethane
CN methylamine
CCN ethylamine
CNC dimethylamine
CN(C)C trimethylamine
NCCO ethanolamine
NCCN ethylenediamine
C1CCNC1 pyrrolidine
C1CN1 aziridine
C1CO1 oxirane
C1CS1 thiirane
C1COCCN1 morpholine
C1CCNCC1 piperidine
C1CNCCN1 piperazine
C1CC1 cyclopropane
C1CCCC1 cyclopentane
C1CCCCC1 cyclohexane
CC ethane
CCC propane
CCCC butane
C=C ethene
C=CC propene
C=CC=C 1,3-butadiene
C#C ethyne
C#CC propyne
C=C=C allene
C=C=O ketene
c1ccccc1 benzene
Cc1ccccc1 toluene
Oc1ccccc1 phenol
Nc1ccccc1 aniline
Fc1ccccc1 fluorobenzene
Sc1ccccc1 thiophenol
c1ccncc1 pyridine
c1ccnnc1 pyridazine
c1cncnc1 pyrimidine
c1cnccn1 pyrazine
c1ncncn1 1,3,5-triazine
c1cc[nH]c1 pyrrole
c1ccoc1 furan
c1ccsc1 thiophene
c1c[nH]cn1 imidazole
c1cn[nH]c1 pyrazole
c1cocn1 oxazole
c1cnoc1 isoxazole
c1cscn1 thiazole
c1cnsc1 isothiazole
c1nc[nH]n1 1H-1,2,4-triazole
c1c[nH]nn1 1H-1,2,3-triazole
c1nnn[nH]1 1H-tetrazole
Cn1ccnc1 1-methylimidazole
CF fluoromethane
CCl chloromethane
CBr bromomethane
FC(F)F fluoroform
FCF difluoromethane
CC(F)(F)F 1,1,1-trifluoroethane
OCC(F)(F)F 2,2,2-trifluoroethanol
CCCl chloroethane
CCBr bromoethane
C=CCl vinyl chloride
C=CBr vinyl bromide
ClC(Cl)(Cl)Cl carbon tetrachloride
FC(F)(F)F carbon tetrafluoride
FC(Cl)(Cl)F dichlorodifluoromethane
BrCCBr 1,2-dibromoethane
BrCBr dibromomethane
CS methanethiol
CCS ethanethiol
CSC dimethyl sulfide
CCSC ethyl methyl sulfide
C1CCSC1 tetrahydrothiophene
CS(C)=O dimethyl sulfoxide
CS(C)(=O)=O dimethyl sulfone
CS(N)(=O)=O methanesulfonamide
CS(=O)(=O)O methanesulfonic acid
CS(=O)(=O)Cl methanesulfonyl chloride
CS(=O)(=O)F methanesulfonyl fluoride
COS(=O)OC dimethyl sulfite
COS(=O)(=O)OC dimethyl sulfate
CC(N)=S thioacetamide
CC(=O)S thioacetic acid
CN=C=S methyl isothiocyanate
CN=C=O methyl isocyanate
CSC#N methyl thiocyanate
CN=[N+]=[N-] methyl azide
CP methylphosphane
CPC dimethylphosphane
CP(C)C trimethylphosphane
CP(C)(C)=O trimethylphosphane oxide
CP(=O)(O)O methylphosphonic acid
COP(=O)(O)O methyl phosphate
COP(=O)(O)OC dimethyl phosphate
COP(OC)OC trimethyl phosphite
CP(C)(C)=S trimethylphosphane sulfide
C[N+](C)(C)[O-] trimethylamine N-oxide
CC(=O)[O-] acetate
O=C[O-] formate
C[O-] methoxide
C[S-] methanethiolate
CC[S-] ethanethiolate
COC(=O)[O-] methyl carbonate anion
OC(=O)[O-] hydrogen carbonate
[S-]C#N thiocyanate
[O-]C#N cyanate
N#C[N-]C#N dicyanamide
CS(=O)(=O)[O-] methanesulfonate
COS(=O)(=O)[O-] methyl sulfate
COP(=O)(O)[O-] methyl hydrogen phosphate anion
CP(=O)(O)[O-] methylphosphonate
O=C([O-])C(F)(F)F trifluoroacetate
O=C([O-])C(=O)O hydrogen oxalate
OCC(=O)[O-] glycolate
c1c[n-]cn1 imidazolide
c1nnn[n-]1 tetrazolide
C[NH3+] methylammonium
CC[NH3+] ethylammonium
C[NH2+]C dimethylammonium
C[NH+](C)C trimethylammonium
[NH3+]CCO 2-hydroxyethylammonium
c1cc[nH+]cc1 pyridinium
c1c[nH+]c[nH]1 imidazolium
Cn1cc[n+](C)c1 1,3-dimethylimidazolium
C[S+](C)C trimethylsulfonium
C[P+](C)(C)C tetramethylphosphonium
CC(N)=[NH2+] acetamidinium
CNC(N)=[NH2+] methylguanidinium
C1CC[NH2+]C1 pyrrolidinium
C1COCC[NH2+]1 morpholinium
[NH3+]CC(=O)[O-] glycine zwitterion
[NH3+]CCC(=O)[O-] beta-alanine zwitterion
C[NH2+]CC(=O)[O-] sarcosine zwitterion
C[NH+](C)CC(=O)[O-] N,N-dimethylglycine zwitterion
[NH3+]C(CO)C(=O)[O-] serine zwitterion
[NH3+]CS(=O)(=O)[O-] aminomethanesulfonic acid zwitterion
[NH3+]CP(=O)(O)[O-] aminomethylphosphonic acid zwitterion
[NH3+]CCS(=O)[O-] hypotaurine zwitterion
[NH3+]CCOP(=O)(O)[O-] phosphoethanolamine zwitterion
[NH3+]CC[S-] cysteamine zwitterion
NC(=[NH2+])NCC(=O)[O-] guanidinoacetic acid zwitterion
C[S+](C)CCC(=O)[O-] dimethylsulfoniopropionate
[NH3+]CCCS(=O)(=O)[O-] homotaurine zwitterion
[NH3+]C1(C(=O)[O-])CC1 1-aminocyclopropanecarboxylic acid zwitterion
[NH3+]C(CCl)C(=O)[O-] 3-chloroalanine zwitterion
[NH3+]C(CBr)C(=O)[O-] 3-bromoalanine zwitterion
[NH3+]C(CF)C(=O)[O-] 3-fluoroalanine zwitterion
O=C([O-])C1CC[NH2+]1 azetidine-2-carboxylic acid zwitterion
"""

NAMES: Final = dict(line.split(" ", 1) for line in _TABLE.strip().splitlines())
"""Name by SMILES, as written here: not canonical."""
