#!/usr/bin/env python3
"""Phonons of a crystal: Zundel's [phonons] against phonopy, with the same model.

Zundel runs a deck; phonopy makes its own displacements of the same relaxed unit cell, with the same supercell and step, gets
forces from `zundel eval`, and makes bands and thermal properties of them. Also read: the files that Zundel writes for phonopy.

    pip install phonopy
    python tools/compare/phonons.py --zundel target/release/zundel [--deck inputs/silicon-phonons.toml]

Prints the largest differences: bands (THz) along Zundel's path, free energy, entropy and heat capacity (relative) on the same
mesh, force constants, and bands from Zundel's own files read by phonopy.
"""
import argparse
import csv
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import numpy as np
import phonopy
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms


def read_extxyz(path):
    """Frames of an extended XYZ file: cell, symbols, positions, forces."""
    frames = []
    lines = open(path).read().splitlines()
    at = 0
    while at < len(lines):
        n = int(lines[at])
        comment = lines[at + 1]
        cell = np.array([float(x) for x in re.search(r'Lattice="([^"]*)"', comment)[1].split()]).reshape(3, 3)
        names = re.search(r'Properties=(\S+)', comment)[1].split(":")
        columns, first = {}, 0
        for name, _, width in zip(names[::3], names[1::3], names[2::3]):
            columns[name] = (first, first + int(width))
            first += int(width)
        rows = [line.split() for line in lines[at + 2:at + 2 + n]]
        take = lambda name: np.array([[float(x) for x in r[slice(*columns[name])]] for r in rows])
        frames.append((cell, [r[0] for r in rows], take("pos"), take("forces") if "forces" in columns else None))
        at += n + 2
    return frames


def write_extxyz(path, frames):
    with open(path, "w") as out:
        for cell, symbols, positions in frames:
            lattice = " ".join(f"{x:.17g}" for x in cell.ravel())
            out.write(f'{len(symbols)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
            for s, x in zip(symbols, positions):
                out.write(f"{s} {x[0]:.17g} {x[1]:.17g} {x[2]:.17g}\n")


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zundel", type=pathlib.Path, default=here / "target/release/zundel")
    parser.add_argument("--deck", type=pathlib.Path, default=here / "inputs/silicon-phonons.toml")
    parser.add_argument("--mesh", type=int, default=21, help="points of the mesh along each vector")
    arguments = parser.parse_args()
    zundel = str(arguments.zundel.resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        deck = arguments.deck.resolve()
        text = deck.read_text()
        text = re.sub(r'"((?:\.\./|[\w-]+\.xyz)[^"]*)"', lambda m: f'"{(deck.parent / m[1]).resolve()}"', text)
        text = re.sub(r"(?ms)^\[phonons\.expansion\].*?(?=^\[|\Z)", "", text)
        (folder / "p.toml").write_text(text)
        n = arguments.mesh
        began = time.perf_counter()
        subprocess.run([zundel, "run", "p.toml", "--quiet", "--set", f"phonons.mesh=[{n},{n},{n}]",
                        "--set", "phonons.temperature_step=\"100 K\""], cwd=folder, check=True)
        seconds = time.perf_counter() - began
        bands = list(csv.DictReader(open(folder / "p.bands.csv")))
        branches = sum(1 for k in bands[0] if k.startswith("frequency"))
        q = np.array([[float(r[k]) for k in ("q1", "q2", "q3")] for r in bands])
        ours = np.array([[float(r[f"frequency {k + 1} (THz)"]) for k in range(branches)] for r in bands])

        own = phonopy.load(folder / "p.phonopy.yaml", force_constants_filename=folder / "p.FORCE_CONSTANTS",
                           symmetrize_fc=False, is_nac=False, log_level=0)
        own.run_qpoints(q)
        difference = abs(own.qpoints.frequencies - ours).max()
        print(f"bands of phonopy from Zundel's force constants: largest difference {difference:.2e} THz")

        (cell, symbols, positions, _), = read_extxyz(folder / "p.relaxed.extxyz")
        unit = PhonopyAtoms(symbols=symbols, cell=cell, positions=positions)
        unit.masses = own.unitcell.masses
        began = time.perf_counter()
        theirs = Phonopy(unit, supercell_matrix=own.supercell_matrix, primitive_matrix=own.primitive_matrix, log_level=0)
        theirs.generate_displacements(distance=0.01, is_plusminus="auto")
        cells = theirs.supercells_with_displacements
        write_extxyz(folder / "in.xyz", [(c.cell, c.symbols, c.positions) for c in cells])
        model = re.search(r'file = "([^"]*)"', text)[1]
        subprocess.run([zundel, "eval", model, "in.xyz", "-o", "out.extxyz", "--quiet"], cwd=folder, check=True)
        theirs.forces = [f[3] for f in read_extxyz(folder / "out.extxyz")]
        theirs.produce_force_constants()
        theirs.run_qpoints(q)
        found = theirs.qpoints.frequencies
        whole = theirs.force_constants
        if whole.shape != own.force_constants.shape:
            whole = whole[own.primitive.p2s_map]
        fc = abs(whole - own.force_constants)
        print(f"phonopy's own force constants ({len(cells)} displacements): largest difference {fc.max():.2e} eV/A^2 of {abs(own.force_constants).max():.2f}")
        print(f"bands: largest difference {abs(found - ours).max():.2e} THz (highest {ours.max():.3f} THz)")
        theirs.run_mesh([n, n, n], is_gamma_center=True)
        theirs.run_thermal_properties(t_min=100, t_max=1000, t_step=100, cutoff_frequency=1e-3)
        t = theirs.thermal_properties
        rows = list(csv.DictReader(open(folder / "p.thermal.csv")))[1:]
        atoms = len(theirs.primitive)
        for name, column, factor in (
            ("free_energy", "free energy (eV/atom)", 96.48533212331),
            ("entropy", "entropy (J/K/mol of atoms)", 1.0),
            ("heat_capacity", "heat capacity at constant volume (J/K/mol of atoms)", 1.0),
        ):
            mine = np.array([float(r[column]) for r in rows]) * factor * atoms
            print(f"{name}: largest relative difference {abs(mine / getattr(t, name) - 1).max():.2e} from 100 to 1000 K, mesh {n}^3")
        print(f"Zundel's whole run took {seconds:.2f} s, phonopy's with the same forces {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
