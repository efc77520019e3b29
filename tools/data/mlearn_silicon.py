#!/usr/bin/env python3
"""Frames of silicon of the mlearn collection (Zuo et al., J. Phys. Chem. A 124, 731 (2020)) as extended XYZ with virials.

    mlearn_silicon.py Si_training.extxyz train.extxyz

The input is the collection's JSON converted to extended XYZ: energy (eV), forces (eV/Angstrom), `group` and the raw list
`mlearn_virial_stress` of VASP (kbar, positive for compression). The order of that list is not documented; against a potential
fitted to other data of silicon it is xx yy zz xy yz xz for the group Elastic and xx yy zz xy xz yz for AIMD-NVT and Vacancy
(each shear component correlates by more than 0.96 with one component and by less than 0.3 with the others). For the group
Surface no order does, so that these frames get no virial. Needs ASE.
"""

import sys

import ase.io
import numpy as np

KBAR = 1.0 / 1602.1766208  # in eV/Angstrom^3
ORDERS = {
    "Elastic": ["xx", "yy", "zz", "xy", "yz", "xz"],
    "AIMD-NVT": ["xx", "yy", "zz", "xy", "xz", "yz"],
    "Vacancy": ["xx", "yy", "zz", "xy", "xz", "yz"],
}


def numbers(row, decimals):
    return " ".join(f"{x:.{decimals}f}".rstrip("0").rstrip(".") for x in row)


def main(source, target):
    with open(target, "w") as out:
        for atoms in ase.io.read(source, ":"):
            group = atoms.info["group"]
            words = [
                f'Lattice="{numbers(atoms.cell.array.ravel(), 8)}"',
                "Properties=species:S:1:pos:R:3:forces:R:3",
                f"config_type={group}",
                f"energy={atoms.get_potential_energy():.8f}",
            ]
            order = ORDERS.get(group)
            if order:
                raw = np.array([float(x) for x in np.ravel(atoms.info["mlearn_virial_stress"])])
                of = dict(zip(order, raw * KBAR * atoms.get_volume()))
                rows = [of["".join(sorted(a + b))] for a in "xyz" for b in "xyz"]
                words.append(f'virial="{numbers(rows, 6)}"')
            words.append('pbc="T T T"')
            out.write(f"{len(atoms)}\n{' '.join(words)}\n")
            for s, x, f in zip(atoms.get_chemical_symbols(), atoms.positions, atoms.get_forces()):
                out.write(f"{s} {numbers(x, 6)} {numbers(f, 6)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
