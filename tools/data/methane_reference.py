#!/usr/bin/env python3
"""Reference values of methane from the equation of state of Setzmann and Wagner (J. Phys. Chem. Ref. Data 20, 1061 (1991)) as CoolProp
has it: densities along isotherms, and second virial coefficients.

    python methane_reference.py densities.csv virial.csv

Needs CoolProp (MIT licence).
"""
import sys

from CoolProp.CoolProp import PropsSI

MELTING = {110: 806}                                    # bar
PRESSURES = [10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1500, 2000]


def main(densities, virial):
    with open(densities, "w") as out:
        out.write("T_K,P_bar,phase,rho_kg_m3\n")
        for t in (110, 150, 188, 200, 250, 300):
            for p in PRESSURES:
                if p > MELTING.get(t, 1e9):
                    continue
                rho = PropsSI("D", "T", t, "P", p * 1e5, "Methane")
                boils = t < 190.564 and p * 1e5 < PropsSI("P", "T", t, "Q", 0, "Methane")
                phase = "gas" if boils else "liquid" if t < 190.564 else "fluid"
                out.write(f"{t},{p},{phase},{rho:.3f}\n")
    with open(virial, "w") as out:
        out.write("T_K,B_cm3_mol\n")
        for t in (100, 110, 120, 130, 150, 175, 188, 200, 225, 250, 275, 300, 350, 400, 500, 600):
            out.write(f"{t},{1e6 * PropsSI('BVIRIAL', 'T', t, 'D', 1e-6, 'Methane'):.2f}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
