#!/usr/bin/env python3
"""Relaxation of rattled silicon cells: Zundel's [relax] against ASE's BFGS with FrechetCellFilter, on the same model file.

Cells of 8 atoms are displaced (normal, 0.05 Å) and strained (each component up to 3 %), and both programs relax atoms and cell until no
force on an atom, and no row of the virial per atom, is longer than fmax. Zundel relaxes all, ASE (with quippy) a random part of
them that is stated: it takes its time.

    pip install ase quippy-ase
    python tools/compare/relax.py --zundel target/release/zundel [--model potentials/silicon-gap/silicon.xml]

Prints evaluations for each structure, energies, and wall time: medians and means, side by side on one thread.
"""
import argparse
import csv
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

import numpy as np


def rattled(count, seed):
    """Cells as (rows, positions)."""
    rng = np.random.default_rng(seed)
    a = 5.43
    cube = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0], [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1]]) * a / 4
    for _ in range(count):
        strain = rng.uniform(-0.03, 0.03, (3, 3))
        f = np.eye(3) + (np.triu(strain) + np.triu(strain, 1).T)
        yield a * f, cube @ f + rng.normal(0, 0.05, (8, 3))


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zundel", type=pathlib.Path, default=here / "target/release/zundel")
    parser.add_argument("--model", type=pathlib.Path, default=here / "potentials/silicon-gap/silicon.xml")
    parser.add_argument("--structures", type=int, default=1000)
    parser.add_argument("--ase", type=int, default=10, help="how many of them ASE relaxes")
    parser.add_argument("--fmax", type=float, default=1e-3, help="eV/Å")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", default="preconditioned_lbfgs")
    arguments = parser.parse_args()
    cells = list(rattled(arguments.structures, arguments.seed))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with open(folder / "cells.extxyz", "w") as out:
            for rows, positions in cells:
                lattice = " ".join(f"{x:.17g}" for x in rows.ravel())
                out.write(f'8\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
                for x in positions:
                    out.write(f"Si {x[0]:.17g} {x[1]:.17g} {x[2]:.17g}\n")
        (folder / "r.toml").write_text(
            'version = 1\n[system]\nstructure = "cells.extxyz"\nframe = "all"\n'
            f'[potential.gap]\nfile = "{arguments.model.resolve()}"\n'
            f'[relax]\nfmax = "{arguments.fmax} eV/Å"\nmethod = "{arguments.method}"\n[relax.cell]\n')
        began, used = time.perf_counter(), os.times()
        subprocess.run([str(arguments.zundel.resolve()), "run", "r.toml", "--threads", "1", "--quiet"],
                       cwd=folder, check=True)
        wall, after = time.perf_counter() - began, os.times()
        cpu = after.children_user + after.children_system - used.children_user - used.children_system
        rows = list(csv.DictReader(open(folder / "r.relaxed.csv")))
    energies = np.array([float(r["energy (eV/atom)"]) for r in rows])
    calls = [int(r["calls"]) for r in rows]
    unconverged = sum(r["end"] != "converged" for r in rows)
    print(f"Zundel: {len(rows)} structures, {unconverged} not converged")
    print(f"  evaluations  mean {statistics.mean(calls):.2f}, median {statistics.median(calls)}, most {max(calls)}")
    print(f"  energy       {energies.min():.9f} to {energies.max():.9f} eV/atom: spread {np.ptp(energies):.1e}")
    print(f"  wall time    {1e3 * wall / len(rows):.2f} ms for each structure ({1e3 * cpu / len(rows):.2f} ms of the processor), "
          "one thread, program start and files included")
    if arguments.ase == 0:
        return

    from ase import Atoms
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS
    from quippy.potential import Potential

    class Counted(Potential):
        """Counts the evaluations that are really made."""
        count = 0

        def calculate(self, *args, **kwargs):
            Counted.count += 1
            super().calculate(*args, **kwargs)

    model = arguments.model.resolve()
    label = next(e.get("label") for e in ET.parse(model).getroot().iter("Potential"))
    # QUIP looks for the sparse points in the working directory.
    os.chdir(model.parent)
    potential = Counted(args_str=f"Potential xml_label={label}", param_filename=model.name)
    potential.calculate(Atoms("Si8", positions=cells[0][1], cell=cells[0][0], pbc=True), ["energy", "forces", "stress"])
    chosen = np.random.default_rng(arguments.seed + 1).choice(len(cells), min(arguments.ase, len(cells)), replace=False)
    of_ase, times, used_times, energies_of_ase = [], [], [], []
    for k in chosen:
        cell, positions = cells[k]
        atoms = Atoms("Si8", positions=positions, cell=cell, pbc=True, calculator=potential)
        Counted.count = 0
        began, used = time.perf_counter(), time.process_time()
        BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=arguments.fmax, steps=1000)
        times.append(time.perf_counter() - began)
        used_times.append(time.process_time() - used)
        of_ase.append(Counted.count)
        energies_of_ase.append(atoms.get_potential_energy() / 8)
    ours = [calls[k] for k in chosen]
    print(f"ASE BFGS + FrechetCellFilter: {len(chosen)} of the structures, chosen at random")
    print(f"  evaluations  mean {statistics.mean(of_ase):.2f}, median {statistics.median(of_ase)}, most {max(of_ase)}"
          f"; Zundel for the same: mean {statistics.mean(ours):.2f}")
    print(f"  wall time    median {1e3 * statistics.median(times):.1f} ms, {statistics.median(times) / (wall / len(rows)):.0f} "
          f"times that of Zundel; processor time {1e3 * statistics.median(used_times):.1f} ms, "
          f"{statistics.median(used_times) / (cpu / len(rows)):.0f} times")
    off = max(abs(e - energies[k]) for e, k in zip(energies_of_ase, chosen))
    print(f"  energies of both differ by at most {off:.1e} eV/atom")


if __name__ == "__main__":
    main()
