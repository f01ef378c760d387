"""Rules that molecules of the organic label set are made by: cores × substituents.

A core or a substituent is SMILES in which ``*`` behind an atom marks a site: a core has any number,
each left empty (hydrogen) or filled; ``!`` marks a site that must be filled; a substituent is
attached by its own only site. Everything here is written from knowledge of chemistry; nothing is
copied from a data set.
"""

from typing import Final

CORES: Final[dict[str, str]] = {
    "chains": """
C* C*C* C** C*(C)C C*** C*(C)(C)C C*CC* C*C(C)C* C*CCC* C*CCCC C*=C* C**=C C*=CC C*C=C* C*C=CC*
C*(C)=C* C**=C(C)C C*(=C)C=C C#C* C*#CC C*C#C* C*C#CC* C*#CC=C C*=C=C C*=CC=C*
""",
    "carbonyls": """
C*=O C**=O C*(=O)CC* C*C(=O)C* C*(=O)C=C* C*(=O)C(=O)C* O=C!CC(=O)C* C*(=O)O C*C(=O)O C*CC(=O)O
C*(=O)OC C*(=O)OC* C*C(=O)OC* C*(=O)OC=C C*(=O)N* C*(=O)N** C*C(=O)N* C*(=O)NC* N*C(=O)C=C* O=C!F
O=C!Cl C*C(=O)Cl O=C!C#N C*C(=O)C#N N*C(=O)N* N*C(=O)N** N*C(=O)OC* N**C(=O)OC O=C(OC*)OC
O=C(OC*)OC* O=C(OC*)Cl O=C(OC)F O=C(OC)C(=O)OC N*C(=O)C(N)=O C*(=O)ONC C*(=O)NO C*(=O)NN*
CC(=O)CC(=O)C* C*(=O)OC(C)=O C*(=O)NC(=O)C* O=CC=C* C*(C)=C=O C!=C=O
""",
    "nitrogen": """
N* N** N!!! C*N* C*CN* C*N** C*(C)N* C*CN** N*CCN* N*N* N**N N**N* N*O* N**O* C*ON* C*=N* C*C=NO
C*=NO* C**=NO C**=NOC C*=NN* C**=NN C*(=N)N* C*(N)=NO C*(N)=N* N*C(=N)N* NC(=N!)N N*C#N N**C#N
C*C#N C**C#N C*CC#N C*(C#N)C#N C*=CC#N C*#CC#N C*=C(C#N)C#N N!=C=O N!=C=S C*CN=C=O C*N=C=S C*N=C=O
N!=[N+]=[N-] C*N=[N+]=[N-] C*CN=[N+]=[N-] [N+]!(=O)[O-] C*[N+](=O)[O-] C*=C[N+](=O)[O-]
C*C[N+](=O)[O-] C*C(C)[N+](=O)[O-] C[N+]!([O-])C* C[N+]!(C)[O-] CN!O N!=NC* C*[N+]#[C-] C*ON=O
C*O[N+](=O)[O-] C*=[N+]([O-])C* C*(C)=[N+]([O-])C N**N=O C*N=C=NC
""",
    "oxygen": """
O* O!! C*O C*CO* C*OC* C*OC=C* C*COC* C*C(O)C* C*(O)C(C)=C C*(C)O C*(CO)O C*(O)CO C*OCOC* OCC*O
C*OCCO* C*(OC)OC* C*OO* C*OOC* C#CCOC* C*OCC#N C*=COC
""",
    "sulfur": """
S* S!! C*S C*CS* C*SC* C*S*=O C*CSC* C*SCSC* C*SSC* S!SC* C*SC=C* C*S!(=O)=O S!!=O S!!(=O)=O
C*S(=O)C* C*S(=O)(=O)C* C*S(=O)(=O)C=C C*S(=O)(=O)N* C*S(=O)(=O)N** N*S(=O)(=O)N* C*S(=O)(=O)OC*
C*S(=O)(=O)F C*S(=O)(=O)Cl C*S(=O)OC* O=S(OC*)OC* O=S(=O)(OC)OC* C*S(=N)(=O)C* CS(=O)(=N!)C
N!S(=O)C C*(=S)N* C*(=S)N** N*C(=S)N* C*(=S)OC* C*(=O)SC* C*C(=O)SC C*(=S)SC* C*(=O)S O=C(SC*)N*
O=C(SC*)OC S!C#N C*SC#N C*CSC#N C*S(C)(=O)=O O=S(=O)(F)N* FS(=O)(=O)C=C C*SCl CS(=O)(=O)CC*
COS(=O)(=O)C* C*SC(F)F
""",
    "phosphorus": """
P* P!! P!!! C*P* C*P(C)C* C*P** C*CP** P!!!=O C*P(C)(C)=O C*P(C)(=O)C* P!!!=S C*P(C)(C)=S
C*P(=O)(O)O C*P(C)(=O)O C*P(=O)(OC)OC* C*P(C)(=O)OC C*P(=O)(O)OC* O=P(O)(O)OC* O=P(O)(OC)OC*
COP(=O)(OC)C* O=P(OC)(OC)OC* P(OC)(OC)OC* P!(OC)OC P!!OC C*P(Cl)Cl P!!Cl C*P(=O)(Cl)Cl C*P(=O)(F)OC
C*P(C)(=O)F C*P(=O)(F)F C*P(F)F COP(=O)(F)OC* COP(=O)(Cl)OC* C*OP(=O)(F)F C*OP(=O)(Cl)Cl
NP(=O)(OC)OC NP(N)(=O)C* CNP(C)(C)=O CN(C)P!! NP(C)(=O)OC C*P(N)(=O)O O=P!!O O=P(OC*)OC*
C*P(=S)(O)O S=P(OC)(OC)O CSP(C)(=O)C* CP(=O)(OC)C=C C*=CP(C)(C)=O C#CP(C)C* N#CP!! C*P(C)C#N
N#CCP(=O)(O)O OCP(=O)(O)O* P(C)(C)CP(C)C CP(C)C=C* FC(F)P(C)C* CP(C)SC OP(C)(C)=S CP(Br)C*
""",
    "saturated rings": """
C1*CC1* C1**CC1 C1*CO1 C1*CO1* C1**CO1 C1*CN1* C1*CS1 C1*CS1* C1*CCC1* C1C*CC1* C1*CCO1 C1*COC1*
C1**COC1 C1*CNC1* C1CN!C1 C1*CN!C1 C1*CSC1* C1CSC1* O=C1C*CC1 O=C1CC*C1 O=C1OCC1* O=C1OC*C1
O=C1N*CC1* O=C1CN*C1* C1*CCCC1* C1*CC*CC1 C1*CCOC1* C1*CC*CO1 C1*COCC1* C1*CCNC1 C1*CCN*C1 C1CCN!C1
C1*CCSC1 C1*CSCC1* O=S1CCCC1* O=S1(=O)CCC1* O=S1(=O)CC*C1 O=S1(=O)CC=CC1* C1*OCCO1 C1*COCO1
C1*SCCS1 C1*SCCO1 C1*SCCN1 C1*OCCN1 C1*=NCCO1 C1*=NCCS1 C1*=NCCN1 C1=CC*OC1 C1=CC*CC1* C1*=CCCC1*
C1=CC*NC1 O=C1C=CCC1* O=C1OC*C*O1 O=C1OC*CCO1 O=S1OC*C*O1 O=S1(=O)OC*C*O1 O=S1(=O)CC*CO1
O=S1(=O)C=CCO1* O=C1N*CCO1 O=C1NC*CO1 O=C1OCCN1* O=C1N*CCN1 O=C1SCCN1* O=C1CCCO1* O=C1C*CCO1
O=C1OC*CC1 O=C1CCCN1* O=C1C*CCN1 O=C1CCC(=O)N1* O=C1C=CC(=O)N1* O=C1C=CC(=O)O1 O=C1C*CC(=O)O1
O=C1NC(=O)C*N1 O=C1CSC(=O)N1* O=C1CCCC1* O=C1C=CCO1* S=C1NCCN1* S=C1NCCS1 S=C1SCCS1 P1*CCCC1
O=P1*CCCC1 O=P1(C*)CC=CC1 P1*CCC1 O=P1(C*)OCCO1 O=P1(OC*)OCCO1 O=P1(O)OCC*O1 O=P1(F)OCC*O1
O=P1!OCCCO1 P1!C=CCC1 C1*CCCCC1* C1*CCNCC1 C1*CCN*CC1 C1*CNCCN1 C1*COCCN1* C1*CCOCC1* C1*COCCO1
C1*CCCCO1 C1*CSCCO1 C1*=CCCCC1* O=C1CCCCC1* O=C1NCCCC1* O=C1OCCCC1* C1OCOCO1 C1*2CC1C2
C12*CC*(C1)C2 C1*2CCC1C2 C1*2CC2C1 C1*2COC2C1 C1*2CCC(C1)C2 O=C1CC2*CC1C2 C1*2CC1CO2 C1=CC2CCC1C2
N12CCN(C1)C2 C1*2OC2CC1 C1CC12CO2 C1CC12CCC2 C1CC12*CC2 C1=CC1** C1=CCO1 C1*=CCC1* C1=CSC*S1
O=C1OC=CO1* C1=C*SCCS1
""",
    "aromatics": """
c1*ccccc1 c1*c*cccc1 c1*cc*ccc1 c1*ccc*cc1 c1*c*cc*cc1* n1c*cccc1 n1cc*ccc1 n1ccc*cc1 n1c*ccc*c1
n1cc*cc*c1 n1c*c*ccc1 n1c*nccc1 n1cnc*cc1 n1cc*cnc1 n1c*cc*nc1 n1c*cncc1 n1nc*ccc1 n1nccc*c1
n1c*ncnc1 n1c*nc*nc1 n1nc*ncc1 [O-][n+]1cc*ccc1* [O-][n+]1c*cccc1 O=c1cc*cc[nH]1 O=c1cccc*n1!
O=c1cc[nH]c*n1 O=c1cc[nH]cn1* O=c1ccoc*c1 O=c1occcc1* O=c1[nH]c*ncc1 O=c1ccn!nc1 S=c1cccc[nH]1
[nH]1c*ccc1* [nH]1cc*cc1* n1!cccc1* n1!cc*cc1 o1c*ccc1* o1cc*cc1* s1c*ccc1* s1cc*c*c1* s1c*c*cc1*
[nH]1c*nc*c1* n1!cncc1* n1!c*ncc1 [nH]1ncc*c1* n1!nccc1* n1!ncc*c1 [nH]1nnc*c1* n1!nncc1
[nH]1ncnc1* n1!ncnc1* [nH]1nnnc1* n1!nnnc1 n1!nncn1 o1c*ncc1* o1cnc*c1* o1nc*cc1* o1nccc1*
s1c*ncc1* s1cnc*c1* s1nc*cc1* s1nccc1* o1nc*nc1* o1c*nnc1* s1c*nnc1* s1nc*nc1* s1nc*c*n1 o1nc*c*n1
s1nnc*c1 o1nnnc1 O=c1[nH]cc*[nH]1 O=c1[nH]ccs1 O=c1occ[nH]1 O=c1[nH]nc*o1 S=c1[nH]ccn1!
S=c1[nH]ccs1 s1ccsc1=O c1ccc2occc2c1 n1ccc2[nH]ccc2c1 n1cc2cn[nH]c2cc1 c1cn2cccc2cn1 c1cc2cncn2cc1
n1cnc2[nH]cnc2c1 n1cnn2cccc2c1 c1*cn2ccnc2s1 c1ccn2nccc2c1 c1ccc2n[nH]cc2c1 c1ccc2oncc2c1
c1csc2c1ccs2 c1cc2ccsc2s1 c1cnc2[nH]ccc2c1 O=c1cc*[nH]c(=O)[nH]1 Nc1cc*nc(=O)[nH]1 Nc1ncnc(N)n1
Nc1nc*ccn1 Nc1ncc*cn1 Oc1ncc*cn1 Cn1ccc*n1 Cn1ccnc1* Cn1cncc1*
""",
    "cations": """
[NH3+]! C*C[NH3+] C*CC[NH3+] [NH3+]CCC* C*C(C)[NH3+] C[NH2+]C* [NH2+]!! C*C[NH2+]C* C[NH+](C)C*
C[NH+](C*)C* C*C[NH+](C)C C[N+](C)(C)C* C[N+](C)(C)CC* [NH2+]1CC1* [NH2+]1CC*C1 [NH2+]1CCC*C1*
[NH2+]1CC*OCC1 [NH2+]1CCCC*C1 [NH2+]1CCSC1 [NH2+]1CCOC1* C[NH+]1CC*C1 C[NH+]1CCCC1 [NH2+]1CC=CC1*
C*(=[NH2+])N C*C(=[NH2+])N* C*(=[NH+]C)N N*C(=[NH2+])N* N**C(=[NH2+])N C*SC(=[NH2+])N
C*OC(=[NH2+])N [NH+]!=C(N)NC c1*cc[nH+]cc1 [nH+]1c*cccc1 [nH+]1cc*ccc1 C[n+]1ccccc1* C[n+]1cc*ccc1
[nH+]1c*nccc1 [nH]1c*[nH+]cc1* [nH]1c[nH+]cc1* Cn1cc[nH+]c1* Cn1c*c[nH+]c1 C[n+]1ccn(C)c1*
[nH]1[nH+]ccc1* [nH]1[nH+]cc*c1 Cn1ccc[nH+]1 s1c*[nH+]cc1 s1c[nH+]cc1* o1c[nH+]cc1* o1cc[nH+]c1*
C[n+]1ccsc1* C[n+]1ccoc1* [nH]1cn[nH+]c1* [nH]1c[nH+]cn1* C[S+](C)C* C[S+]1CCCC1 C[S+]1CC*C1
C[S+](C)CC* C[S+]1CCSC1 C*C[P+](C)(C)C C[P+](C)(C)C* C[PH+](C)C* [PH3+]C* C[PH2+]C* [PH+]!(C)C
C[P+]1(C)CCCC1 C[P+]1(C)CC1* C[P+](C)(C)O C[P+](C)(O)C* C*[NH2+]O C*[NH2+]N [NH3+]N! C*O[NH3+]
[NH3+]CC#C* [NH3+]CC=C* [NH3+]CC(=O)N* [NH3+]CC(=O)OC* [NH3+]C*C(N)=O [NH3+]C*C(=O)O [NH3+]CC(=O)C*
[NH3+]CCSC* [NH3+]CCOC* [NH3+]CC1CC1 [NH3+]C1CC1 [NH3+]Cc1ccoc1 [NH3+]Cc1cccs1 [NH3+]C1CCC1
[NH3+]CCS(C)(=O)=O [NH3+]CP(C)(C)=O [NH3+]CCP(C)C* CN(C)C=[N+](C)C C*(=[NH+]C)C C*(C)=[NH+]O
 C*C1=[NH+]CCN1 C1*=[NH+]CCO1 C1=[NH+]CCS1 C1*=[NH+]CCN1C C[N+]1(C)CC*C1 C[N+]1(C)CCC*C1
C[N+](C)(C)N CC[NH+](C)C* [NH3+]CC(F)(F)C* [NH3+]CCl [NH3+]CCBr [NH3+]CC(Cl)Cl [NH3+]CC(Br)C
[NH3+]CC(=C)Br [NH3+]CC(=C)Cl
""",
    "anions": """
C*(=O)[O-] C*C(=O)[O-] C**C(=O)[O-] C*CC(=O)[O-] C*=CC(=O)[O-] C*=C(C)C(=O)[O-] C*#CC(=O)[O-]
C1*CC1C(=O)[O-] O=C([O-])c1ccco1 O=C([O-])c1cccs1 O=C([O-])c1ccc[nH]1 O=C([O-])c1c[nH]cn1
O=C([O-])c1cscn1 O=C([O-])C(=O)C* O=C([O-])C(O)C* O=C([O-])CSC* O=C([O-])COC* O=C([O-])CC(=O)C*
O=C([O-])CC#N O=C([O-])C(=O)O O=C([O-])CC(=O)O O=C([O-])CN* O=C([O-])C(C)N* O=C([O-])CNC(C)=O
O=C([O-])CP(C)C CC(C)(C*)C(=O)[O-] COC(=O)[O-] N*C(=O)[O-] C*(=O)[S-] C*(=S)[S-] N*C(=S)[S-]
N**C(=S)[S-] COC(=S)[S-] C*C[O-] C*(C)[O-] C*(F)(F)C[O-] [O-]! [O-]CC*C* [O-]c1c*cccc1
[O-]c1ccc*cc1 [O-]c1ccncc1 [O-]c1cccnc1* [O-]c1ccon1 [O-]c1ccn[nH]1 [O-]c1ccns1 [O-]C*=CC=O
[O-]C(C)=CC(=O)C* [O-]C=C* [O-]N=C*C [O-]N=C* C*C[S-] C*(C)[S-] [S-]! [S-]CC*C* [S-]c1ncccn1
[S-]c1ccccn1 [S-]c1nccn1C [S-]c1nccs1 [S-]c1nnnn1C [S-]c1ncn[nH]1 [S-]C#N [O-]C#N [S-]CCO*
[S-]CC(=O)OC [S-]SC* C*S(=O)(=O)[O-] C*CS(=O)(=O)[O-] C**S(=O)(=O)[O-] C*=CS(=O)(=O)[O-]
C*OS(=O)(=O)[O-] C*COS(=O)(=O)[O-] N*S(=O)(=O)[O-] C*S(=O)[O-] C*CS(=O)[O-] [O-]S(=O)CO
C*P(=O)(O)[O-] C*CP(=O)(O)[O-] C**P(=O)(O)[O-] C*P(C)(=O)[O-] C*P(=O)(OC)[O-] C*OP(=O)(O)[O-]
C*COP(=O)(O)[O-] COP(=O)([O-])OC* COP(C)(=O)[O-] O=P1([O-])OCC*O1 O=P([O-])(F)OC* CP(=O)([O-])F
C*P(C)(=S)[O-] CP(C)(=S)[S-] C*P(=O)([O-])CO C*P([O-])=O CP(=O)([O-])C=C O=P([O-])(O)C(=O)O
O=P([O-])(O)CO O=P([O-])(O)C(Cl)Cl O=P([O-])(O)C(F)(F)C* C*S(=O)(=O)[N-]C CS(=O)(=O)[N-]*
CS(=O)(=O)[N-]C#N [N-]!C#N N#C[N-]C#N [N-]1C(=O)CCC1=O [N-]1C(=O)C=CC1=O O=S(=O)(F)[N-]S(C)(=O)=O
O=C1[N-]C(=O)CS1 O=C1[N-]C(=O)CN1 [n-]1cncc1* [n-]1nccc1* [n-]1ncc*c1 [n-]1cnc*c1 [n-]1cncn1
[n-]1c*ncn1 [n-]1nncc1* [n-]1nnnc1* [n-]1ccc*c1 [n-]1cccc1C#N [n-]1cccc1C=O [n-]1c(C)ncc1*
[C-]!(C#N)C#N [CH-](C#N)C#N [CH-](C#N)[N+](=O)[O-] [O-][N+]([O-])=C* [O-][N+]([O-])=CC*
N#C[C-](C*)C#N C[S-] OC(=O)[O-] O=c1cc[n-]c(=O)[nH]1 Oc1ccc([O-])cc1 O=C([O-])C(F)(F)C*
O=C([O-])C(F)C* O=C([O-])C(Cl)C* O=C([O-])C(Br)C* O=C([O-])C(Cl)=C O=C([O-])C(Br)=C O=C([O-])CCBr
O=C([O-])CCCl
""",
    "zwitterions": """
[NH3+]C*C(=O)[O-] [NH3+]C*(C)C(=O)[O-] [NH3+]C*CC(=O)[O-] [NH3+]CC*C(=O)[O-] [NH3+]CC(=O)CC(=O)[O-]
[NH3+]CC(O)CC(=O)[O-] [NH3+]CCSC(C)C(=O)[O-] C[NH2+]C*C(=O)[O-] C[NH2+]CC*C(=O)[O-]
C[NH+](C)C*C(=O)[O-] C[NH+](C)CC*C(=O)[O-] C[N+](C)(C)C*C(=O)[O-] C[N+](C)(C)CCC(=O)[O-]
[NH2+]!CC(=O)[O-] [NH2+]!CCC(=O)[O-] [NH2+]1CCC1*C(=O)[O-] [NH2+]1CC*C1C(=O)[O-]
[NH2+]1CC1*C(=O)[O-] [NH2+]1CC(C(=O)[O-])C1* [NH2+]1CC*CC1C(=O)[O-] [NH2+]1CCC(C(=O)[O-])C1
[NH2+]1CSCC1C(=O)[O-] [NH2+]1CC=CC1C(=O)[O-] [NH3+]C1CC1*C(=O)[O-] [NH3+]C1(C(=O)[O-])CC1*
[NH3+]C1(C(=O)[O-])CCC1 [NH3+]C(C(=O)[O-])C1CC1 [NH3+]C(=C*)C(=O)[O-] [NH3+]CC=CC(=O)[O-]
[NH3+]CC#CC(=O)[O-] [NH3+]C(C#C*)C(=O)[O-] [NH3+]C(CF)C(=O)[O-] [NH3+]C(CCl)C(=O)[O-]
[NH3+]C(CBr)C(=O)[O-] [NH3+]CC(F)(F)C(=O)[O-] [NH3+]CC(Cl)C(=O)[O-] [NH3+]CC(Br)C(=O)[O-]
[NH3+]CC(=O)NCC(=O)[O-] [NH3+]C(CC(=O)O)C(=O)[O-] [NH3+]C(CC#N)C(=O)[O-] [NH3+]C(CON)C(=O)[O-]
[NH3+]C*S(=O)(=O)[O-] [NH3+]C*CS(=O)(=O)[O-] [NH3+]CCCS(=O)(=O)[O-] C[NH2+]CCS(=O)(=O)[O-]
C[NH2+]CS(=O)(=O)[O-] C[N+](C)(C)CS(=O)(=O)[O-] C[NH+](C)CS(=O)(=O)[O-] [NH2+]1CC(S(=O)(=O)[O-])C1
[NH3+]CCS(=O)[O-] [NH3+]C*CS(=O)[O-] [NH3+]C(CS(=O)[O-])C [NH3+]CCOS(=O)(=O)[O-]
[NH3+]CCSS(=O)(=O)[O-] [NH3+]C*P(=O)(O)[O-] [NH3+]C*CP(=O)(O)[O-] [NH3+]CCCP(=O)(O)[O-]
C[NH2+]CP(=O)(O)[O-] C[NH2+]CCP(=O)(O)[O-] C[NH+](C)CP(=O)(O)[O-] C[N+](C)(C)CP(=O)(O)[O-]
[NH3+]CP(C)(=O)[O-] [NH3+]CCP(C)(=O)[O-] [NH3+]C(C)(C)P(=O)(O)[O-] [NH3+]CCOP(=O)(O)[O-]
[NH3+]CCOP(C)(=O)[O-] [NH3+]CP(=O)(OC)[O-] [NH3+]C*P([O-])=O [NH2+]1CCC1P(=O)(O)[O-] [NH3+]CC*[S-]
C[NH+](C)CC[S-] C[N+](C)(C)CC[S-] C[NH2+]CC[S-] NC(=[NH2+])NCC(=O)[O-] NC(=[NH2+])CC(=O)[O-]
NC(=[NH2+])SCC(=O)[O-] NC(=[NH2+])CCC(=O)[O-] NC(=[NH2+])CS(=O)(=O)[O-] NC(=[NH2+])S(=O)(=O)[O-]
NC(=[NH2+])S(=O)[O-] C[S+](C)C*C(=O)[O-] C[S+](C)CCC(=O)[O-] C[S+](C)CS(=O)(=O)[O-]
C[P+](C)(C)CC(=O)[O-] C[P+](C)(C)C(C)C(=O)[O-] C[P+](C)(C)CS(=O)(=O)[O-] [nH]1c[nH+]cc1C(=O)[O-]
[nH]1cc[nH+]c1C(=O)[O-] [nH]1c[nH+]cc1S(=O)(=O)[O-] [O-]C(=O)c1ccc[nH+]c1 [O-]C(=O)C[n+]1ccsc1
[nH]1c[nH+]cc1CC(=O)[O-] [NH3+]C(CO)C(=O)[O-] [NH3+]C(C(O)C)C(=O)[O-] [NH3+]NCC(=O)[O-]
[NH3+]Cc1nnn[n-]1 [NH3+]CCc1nnn[n-]1 [NH3+]CC(=O)[N-]S(C)(=O)=O [NH3+]CCC(=O)[S-]
C[NH+]1CC1C(=O)[O-] [NH3+]C(CSC)C(=O)[O-] [NH3+]CC(O)C(=O)[O-] [NH3+]CC(O)S(=O)(=O)[O-]
C[NH+]1CC(C(=O)[O-])C1 [NH3+]CC1(C(=O)[O-])CC1
""",
}
"""Cores by family, see the module. The charge of a core is its own: substituents may add to it."""
SUBSTITUENTS: Final = """
F* Cl* Br* C* O* N* S* P* C*C C*(C)C C*=C C*#C C*#N C*F C*Cl C*Br C*(F)F C*(F)(F)F C*(Cl)Cl C*O C*N
C*S C*=O C*CO C*CF C*CCl C*CBr C*C#N C*OC C*SC C*CC C*(C)=O C*(=O)O C*C(=O)O C*(N)=O C*(=O)NC
C*(=O)OC C*1CC1 C*1CO1 C*NC C*C=C C*(F)=C C*(Cl)=C C*(Br)=C C*=CF C*=CCl C*=CBr C*#CF C*(=O)F
C*(=O)Cl C*(=O)C#N C*=NO C*P(C)C C*C(N)=O O*C O*CC O*C=O O*C(C)=O O*C(F)F O*C(F)(F)F O*P(C)C N*C
N*(C)C N*C=O N*C(C)=O N*C#N N*N N*O N*=O N*=[N+]=[N-] [N+]*(=O)[O-] [N+]*#[C-] N*=C=O N*=C=S
N*C(N)=O N*S(C)(=O)=O S*C S*CC S*C#N S*(C)=O S*(C)(=O)=O S*(N)(=O)=O S*(=O)(=O)F S*C(F)F S*C(F)(F)F
S*SC S*C=O P*(C)C P*(C)(C)=O P*(=O)(O)O P*(F)F P*(=O)(OC)OC O*P(=O)(O)O c1*ccoc1 c1*nccs1 n1*cccn1
n1*ccnc1
"""
"""Substituents of every core, attached by their site."""
