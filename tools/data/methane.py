#!/usr/bin/env python3
"""The frames of potentials/methane-gap, from the public data of Veit et al., J. Chem. Theory Comput. 15, 2574 (2019).

    python methane.py DEPOSIT ZUNDEL OUT

DEPOSIT is the folder with the files `mebox-minimal-*.xyz.gz` (data CC BY-SA 4.0, copyright 2018 Max Veit), ZUNDEL the program, OUT
the folder potentials/methane-gap, which has monomers.extxyz and dimers.extxyz already (methane_labels.py). Needs numpy, scipy, ase.

1. The 26 boxes with PBE0 energies and forces beyond one body are split: of each temperature three boxes, spread over the volumes,
   are held back (test.extxyz).
2. The 284 many-body dispersion energies, without those of the six boxes, are fitted by

       E = -(1 + a/v) C6 sum over pairs of carbons 1/(r^6 + f^6)            (v: volume per molecule)

   which says what belongs to pairs at low density: C6 and f of the term `dispersion`. What is left, (a/v) E_pair and the scatter, goes to
   many-body-train.extxyz and many-body-test.extxyz: carbons only, for remainder.toml makes it a function of where carbons are.
3. `zundel run remainder.toml` makes a smooth GAP of it, and its energies and forces on the boxes are added to the labels `energy` and
   `forces`; `pbe0_energy` and `pbe0_forces` are those without.
4. The geometries of monomers.extxyz become alone.extxyz, where a molecule by itself has no energy beyond one body.
"""
import gzip
import io
import os
import subprocess
import sys

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.optimize import least_squares

REACH = 40.0                                            # Å, of the sum over pairs; beyond it the fluid is taken as uniform
SETS = {
    "pbe0-pbeotf-mbdint": "mebox-minimal-pbe0-pbeotf-mbdint.xyz.gz",
    "oos-T110": "mebox-minimal-oos-T110-pbe0-mbdint.xyz.gz",
    "oos-T188": "mebox-minimal-oos-T188-pbe0-mbdint.xyz.gz",
}


def read(folder, name):
    with gzip.open(os.path.join(folder, name), "rt") as f:
        return ase.io.read(io.StringIO(f.read()), ":", format="extxyz")


def labelled(atoms, energy, forces, **info):
    new = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    new.calc = SinglePointCalculator(new, energy=energy, forces=forces)
    new.info.update(info)
    return new


def boxes(folder):
    """Frames to learn from and frames held back."""
    train, test = [], []
    for temperature, held in ((110, (2, 6, 10)), (188, (1, 5, 9))):
        frames = read(folder, f"mebox-minimal-oos-T{temperature}-pbe0-b1b.xyz.gz")
        order = np.argsort([a.get_volume() for a in frames])
        for i, a in enumerate(frames):
            # The comment's `energy` and the column `force` are those beyond one body.
            new = labelled(a, a.get_potential_energy(), a.arrays["force"], config_type="box", source=f"oos-T{temperature}:{i}")
            (test if i in order[list(held)] else train).append(new)
    return train, test


def distances(atoms, edges):
    """Histogram of the distances of carbons, pairs per molecule."""
    x, cell = atoms.positions[atoms.numbers == 6], atoms.cell.array
    n = int(np.ceil(REACH / atoms.cell.lengths().min())) + 1
    span = range(-n, n + 1)
    images = np.array([(i, j, k) for i in span for j in span for k in span]) @ cell
    r = np.linalg.norm((x[None] - x[:, None]).reshape(-1, 1, 3) + images[None], axis=2).ravel()
    return np.histogram(r[(r > 0.1) & (r < REACH)], edges)[0] / 2 / len(x)


def dispersion(folder, held):
    """C6 (eV Å^6), f (Å) and the frames of carbons with what is left of the energies."""
    edges = np.linspace(2.5, REACH, 7501)
    r = 0.5 * (edges[1:] + edges[:-1])
    frames = [(f"{s}:{i}", a) for s, name in SETS.items() for i, a in enumerate(read(folder, name))]
    n = np.array([(a.numbers == 6).sum() for _, a in frames])
    pairs = np.array([distances(a, edges) for _, a in frames])
    energy = np.array([a.get_potential_energy() for _, a in frames]) / n
    volume = np.array([a.get_volume() for _, a in frames]) / n
    learn = np.array([name not in held for name, _ in frames])

    def pair(c6, f):
        return pairs @ (-c6 / (r**6 + f**6)) - c6 * 2 * np.pi / 3 / REACH**3 / volume

    def error(y):
        return 1000 * ((1 + y[2] / volume) * pair(y[0], y[1]) - energy)

    found = least_squares(lambda y: error(y)[learn], [73.0, 2.5, 0.0]).x
    rms = [np.sqrt(np.mean(error(found)[m] ** 2)) for m in (learn, ~learn)]
    print(f"C6 {found[0]:.2f} eV Å^6, f {found[1]:.3f} Å, a {found[2]:.2f} Å^3; rms {rms[0]:.2f} and {rms[1]:.2f} meV/molecule")
    c6, f = round(found[0], 1), round(found[1], 2)
    left = energy - pair(c6, f)
    train, test = [], []
    for k, (name, a) in enumerate(frames):
        c = a[a.numbers == 6]
        new = labelled(c, left[k] * n[k], np.zeros((n[k], 3)), config_type="many-body", source=name, dispersion_energy=energy[k] * n[k])
        (train if learn[k] else test).append(new)
    # Alone, or in pairs, carbons have no such energy.
    for distance in [None, *np.linspace(3.2, 6.2, 13)]:
        x = [[0, 0, 0]] if distance is None else [[0, 0, 0], [0, 0, distance]]
        train.append(labelled(Atoms("C" * len(x), positions=x), 0.0, np.zeros((len(x), 3)), config_type="few"))
    return c6, f, train, test


def main(folder, program, out):
    place = lambda name: os.path.join(out, name)
    train, test = boxes(folder)
    c6, f, *left = dispersion(folder, {a.info["source"] for a in test})
    print(f"dispersion: c6 = \"{c6} eV Å^6\", a2 = \"{f} Å\"")
    for name, frames in zip(("many-body-train", "many-body-test"), left):
        ase.io.write(place(name + ".extxyz"), frames, format="extxyz")
    subprocess.run([program, "run", place("remainder.toml"), "--overwrite", "-q"], check=True)
    for name, frames in (("train", train), ("test", test)):
        carbons = place("carbons.tmp.extxyz")
        ase.io.write(carbons, [a[a.numbers == 6] for a in frames], format="extxyz", columns=["symbols", "positions"], write_results=False)
        subprocess.run([program, "eval", place("remainder.xml"), carbons, "-o", place("added.tmp.extxyz"), "-q"], check=True)
        whole = []
        for a, c in zip(frames, ase.io.read(place("added.tmp.extxyz"), ":")):
            forces = a.get_forces().copy()
            forces[a.numbers == 6] += c.get_forces()
            new = labelled(a, a.get_potential_energy() + c.get_potential_energy(), forces, **a.info)
            new.info["pbe0_energy"] = a.get_potential_energy()
            new.arrays["pbe0_forces"] = a.get_forces()
            whole.append(new)
        ase.io.write(place(name + ".extxyz"), whole, format="extxyz")
        os.remove(carbons)
        os.remove(place("added.tmp.extxyz"))
        print(name, len(whole), "boxes")
    alone = ase.io.read(place("monomers.extxyz"), ":60")
    ase.io.write(place("alone.extxyz"), [labelled(a, 0.0, np.zeros((5, 3)), config_type="alone") for a in alone], format="extxyz")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
