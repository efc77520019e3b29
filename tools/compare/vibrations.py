#!/usr/bin/env python3
"""Zundel beside ASE: frequencies, thermochemistry and isotopes of molecules with sGDML models, the forces of ASE's side from the sgdml
package.

    python3 -m venv .venv
    .venv/bin/pip install ase "numpy<2.4" psutil && .venv/bin/pip install --no-deps sgdml
    .venv/bin/python tools/compare/vibrations.py [--zundel target/release/zundel]

For ethanol and benzene Zundel relaxes and runs [vibrations] three times: in closed form, by differences of 0.005 Å, and by
differences of 0.002 Å. ASE's `Vibrations` (0.002 Å, nfree 2) starts from Zundel's relaxed structure and takes the package's forces.
ASE leaves rotations in: its 3N - 6 highest frequencies are compared. Printed are the largest differences in cm^-1, the zero-point
energies, and U, S and G at 298.15 K and 1 bar beside ASE's `IdealGasThermo` with Zundel's frequencies; then the ratios of
frequencies when H becomes D. Nothing is timed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# sgdml.py beside this file has the name of the package.
here = Path(__file__).resolve().parent
sys.path = [p for p in sys.path if Path(p or ".").resolve() != here]

import ase.io
import numpy as np
from ase import units
from ase.calculators.calculator import Calculator, all_changes
from ase.thermochemistry import IdealGasThermo
from ase.vibrations import Vibrations
from sgdml.predict import GDMLPredict

KCAL = units.kcal / units.mol


class Package(Calculator):
    """Energies and forces of the sgdml package."""

    implemented_properties = ["energy", "forces"]

    def __init__(self, model):
        super().__init__()
        data = dict(np.load(model, allow_pickle=True))
        self.predictor = GDMLPredict(data, max_processes=1)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy, forces = self.predictor.predict(atoms.positions.reshape(1, -1))
        self.results = {"energy": float(energy[0]) * KCAL, "forces": forces.reshape(-1, 3) * KCAL}


DECK = """version = 1
[system]
structure = "{structure}"
[potential.sgdml]
file = "{model}"
[vibrations]
{keys}
[[vibrations.isotope]]
name = "D"
elements = ["H"]
mass = "D"
"""


def zundel(program, folder, name, structure, model, keys):
    deck = folder / f"{name}.toml"
    deck.write_text(DECK.format(structure=structure, model=model, keys=keys))
    subprocess.run([program, "run", str(deck), "--overwrite", "--quiet"], check=True)
    return json.loads((folder / f"{name}.summary.json").read_text())


def wavenumbers(summary, isotopologue=0):
    return np.array([m["wavenumber_per_cm"] for m in summary["isotopologues"][isotopologue]["modes"]])


def molecule(program, root, name, folder):
    model = root / f"potentials/{name}-sgdml/{name}.npz"
    structure = root / f"inputs/{name}.xyz"
    analytic = zundel(program, folder, f"{name}-analytic", structure, model, "")
    relaxed = folder / f"{name}-analytic.relaxed.extxyz"
    sides = {"in closed form": analytic}
    for step in (0.005, 0.002):
        keys = f'analytic = false\ndisplacement = "{step} Å"'
        sides[f"differences, {step} Å"] = zundel(program, folder, f"{name}-{step}", structure, model, keys)
    atoms = ase.io.read(relaxed)
    plain = ase.Atoms(atoms.symbols, atoms.positions, calculator=Package(model))
    with np.errstate(all="ignore"):
        vibrations = Vibrations(plain, delta=0.002, nfree=2, name=str(folder / f"{name}-ase"))
        vibrations.run()
        found = vibrations.get_frequencies()
    theirs = np.sort(np.where(abs(found.imag) > 0, -abs(found.imag), found.real))
    ours = wavenumbers(analytic)
    print(f"\n{name}: {len(ours)} modes from {ours[0]:.3f} to {ours[-1]:.3f} cm^-1, point group {analytic['isotopologues'][0]['point_group']}")
    print(f"  {'':24}{'against ASE':>14}{'against closed form':>22}   largest difference in cm^-1")
    for side, summary in sides.items():
        w = wavenumbers(summary)
        high = np.sort(theirs)[-len(w):]
        print(f"  {side:24}{abs(w - high).max():14.5f}{abs(w - ours).max():22.5f}")
    low = np.sort(theirs)[: len(theirs) - len(ours)]
    print(f"  ASE's six lowest: {', '.join(f'{x:.2f}' for x in low)} cm^-1; Zundel's rigid motions before projection: "
          f"{analytic['isotopologues'][0]['largest_rigid_per_cm']:.4f} at most")
    first = analytic["isotopologues"][0]
    symmetry = first["symmetry_number"]
    energies = np.sort(ours) * units.invcm
    thermo = IdealGasThermo(vib_energies=energies, geometry="nonlinear", atoms=plain, symmetrynumber=symmetry, spin=0,
                            potentialenergy=analytic["energy_eV"])
    at = first["at_298.15_K"]
    pressure = first["pressure_bar"] * 1e5
    theirs_s = thermo.get_entropy(298.15, pressure, verbose=False)
    theirs_h = thermo.get_enthalpy(298.15, verbose=False)
    theirs_g = thermo.get_gibbs_energy(298.15, pressure, verbose=False)
    print(f"  symmetry number {symmetry}; zero-point energy {first['zero_point_energy_eV']:.6f} eV, ASE {0.5 * energies.sum():.6f}")
    print(f"  at 298.15 K: H {at['enthalpy_eV']:.6f} eV ({at['enthalpy_eV'] - theirs_h:+.1e}), "
          f"S {1e3 * at['entropy_eV_per_K']:.6f} meV/K ({1e3 * (at['entropy_eV_per_K'] - theirs_s):+.1e}), "
          f"G {at['gibbs_energy_eV']:.6f} eV ({at['gibbs_energy_eV'] - theirs_g:+.1e}); in brackets less ASE's")
    heavy = wavenumbers(analytic, 1)
    ratio = ours[::-1][:3] / heavy[::-1][:3]
    print(f"  all H as D: the three highest modes fall by factors of {', '.join(f'{r:.4f}' for r in ratio)}; "
          f"zero-point energy {analytic['isotopologues'][1]['zero_point_energy_eV']:.6f} eV")
    # Teller and Redlich: the product of frequency ratios is fixed by masses and moments of inertia.
    masses = plain.get_masses()
    other = np.where(np.array(plain.get_chemical_symbols()) == "H", 2.01410177812, masses)
    inertia = lambda m: np.prod(ase.Atoms(plain.symbols, plain.positions, masses=m).get_moments_of_inertia())
    product = np.prod((masses / other) ** 1.5) * (other.sum() / masses.sum()) ** 1.5 * np.sqrt(inertia(other) / inertia(masses))
    print(f"  product rule of Teller and Redlich: {np.prod(heavy / ours) / product - 1:+.1e} off")


def main():
    root = here.parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zundel", type=Path, default=root / "target/release/zundel")
    parser.add_argument("molecules", nargs="*", default=["ethanol", "benzene"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.molecules:
            molecule(str(arguments.zundel.resolve()), root, name, Path(folder))


if __name__ == "__main__":
    main()
