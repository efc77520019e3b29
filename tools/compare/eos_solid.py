#!/usr/bin/env python3
"""Equations of state of silicon beside ASE's fits of the same points, and beside brute force.

Runs [eos.solid] with both silicon GAPs that ship, fits its points with `ase.eos.EquationOfState`, relaxes the crystal under small pressures with
[relax] (B = -V dP/dV by differences of five volumes), and, with --npt, compares the mean volume of a short run of NPT dynamics at a low
temperature with the one that [eos.solid.thermal] finds for classical nuclei. Needs ASE; with quippy the energies themselves are compared too.

    python tools/compare/eos_solid.py --folder target/compare/eos-solid [--npt] [--zundel PROGRAM]
"""
import argparse
import csv
import json
import subprocess
from pathlib import Path

import numpy as np
from ase.eos import EquationOfState
from ase.io import read
from ase.units import GPa

import common

MODELS = ["silicon-gap", "silicon-mlearn-gap"]
FORMS = {"birch_murnaghan": "birchmurnaghan", "vinet": "vinet", "murnaghan": "murnaghan"}
STRUCTURE = common.ROOT / "inputs" / "silicon.xyz"


def head(model, repeat=1):
    return f"""version = 1
[system]
structure = "{STRUCTURE}"
repeat = [{repeat}, {repeat}, {repeat}]
[potential.gap]
file = "{common.ROOT / 'potentials' / model / 'silicon.xml'}"
"""


def run(zundel, folder, name, text):
    (folder / f"{name}.toml").write_text(text)
    command = [zundel, "run", f"{name}.toml", "--quiet", "--overwrite"]
    subprocess.run(command, cwd=folder, check=True)


def points(folder, name):
    with open(folder / f"{name}.eos.csv") as file:
        rows = list(csv.DictReader(file))
    columns = ["volume_A3_per_atom", "energy_eV_per_atom", "pressure_virial_GPa"]
    return [np.array([float(r[c]) for r in rows]) for c in columns]


def beside_ase(folder, name, summary):
    volumes, energies, _ = points(folder, name)
    heads = ["form", "V0 (Å^3)", "B0 (GPa)", "B0'"]
    print("{:<20}{:>14}{:>14}{:>12}   largest relative difference from ASE, and sum of squares beside ASE's".format(*heads))
    for ours, theirs in FORMS.items():
        fit = EquationOfState(volumes, energies, eos=theirs)
        fit.fit()
        e0, b0, b1, v0 = fit.eos_parameters
        own = summary["phases"][0]["fits"][ours]
        found = np.array([own["energy_eV_per_atom"], own["bulk_modulus_GPa"], own["bulk_modulus_derivative"], own["volume_A3_per_atom"]])
        theirs = np.array([e0, b0 / GPa, b1, v0])
        square = [np.sum((fit.func(volumes, p[0], p[1] * GPa, p[2], p[3]) - energies) ** 2) for p in (found, theirs)]
        difference = np.max(np.abs(found / theirs - 1))
        print(f"{ours:<20}{found[3]:14.8f}{found[1]:14.7f}{found[2]:12.7f}   {difference:.1e}   {square[0] / square[1] - 1:+.1e}")


def beside_quip(folder, name, model):
    try:
        from quippy.potential import Potential
    except ImportError:
        print("quippy is not installed: energies are not compared")
        return
    potential = Potential("", param_filename=str(common.ROOT / "potentials" / model / "silicon.xml"))
    worst = 0.0
    for frame in read(folder / f"{name}.volumes.extxyz", index=":"):
        energy = frame.info.get("energy", frame.calc.results.get("energy") if frame.calc else None)
        frame.calc = potential
        worst = max(worst, abs(frame.get_potential_energy() - energy) / len(frame))
    print(f"energies differ from QUIP's by {worst:.1e} eV/atom at most")


def under_pressure(zundel, folder, name, model, summary):
    def volume(pressure):
        text = head(model) + f'[relax]\nfmax = "1e-5 eV/Å"\n[relax.cell]\npressure = "{pressure} GPa"\ntolerance = "0.0005 GPa"\n'
        run(zundel, folder, f"{name}-relax", text)
        frame = read(folder / f"{name}-relax.relaxed.extxyz")
        return frame.get_volume() / len(frame)

    h = 1.0
    v = {k: volume(k * h) for k in (-2, -1, 0, 1, 2)}
    slope = (8 * (v[1] - v[-1]) - (v[2] - v[-2])) / (12 * h)
    curvature = (16 * (v[1] + v[-1]) - (v[2] + v[-2]) - 30 * v[0]) / (12 * h * h)
    bulk = -v[0] / slope
    # B = -V / V', so that dB/dP = -1 + V V'' / V'^2.
    derivative = v[0] * curvature / slope**2 - 1
    own = summary["phases"][0]["fits"]["birch_murnaghan_4"]
    print(f"relaxed under pressure: V0 {v[0]:.6f} Å^3, B0 {bulk:.4f} GPa, B0' {derivative:.4f}")
    print(
        "fourth order:           "
        f"V0 {own['volume_A3_per_atom']:.6f} Å^3, B0 {own['bulk_modulus_GPa']:.4f} GPa, B0' {own['bulk_modulus_derivative']:.4f}"
    )


def npt(zundel, folder, name, model, temperature, length):
    dynamics = f"""[md]
timestep = "2 fs"
length = "{length}"
temperature = "{temperature} K"
seed = 3
[md.thermostat.langevin]
friction = "2 /ps"
[md.barostat.cell_rescaling]
pressure = "0 bar"
coupling = "isotropic"
time = "0.1 ps"
bulk_modulus = "90 GPa"
[output]
thermo = {{ file = "{name}-npt.csv", every = "20 fs" }}
"""
    run(zundel, folder, f"{name}-npt", head(model, 2) + dynamics)
    with open(folder / f"{name}-npt.csv") as file:
        rows = list(csv.DictReader(file))
    column = next(c for c in rows[0] if c.startswith("volume"))
    volumes = np.array([float(r[column]) for r in rows])
    volumes = volumes[len(volumes) // 5 :] / 64
    blocks = [b.mean() for b in np.array_split(volumes, 10)]
    thermal = f"""[eos.solid]
smallest = 0.97
largest = 1.03
[eos.solid.thermal]
supercell = [2, 2, 2]
nuclei = "classical"
max_temperature = "{temperature} K"
temperature_step = "{temperature} K"
"""
    run(zundel, folder, f"{name}-thermal", head(model) + thermal)
    with open(folder / f"{name}-thermal.thermal.csv") as file:
        row = list(csv.DictReader(file))[-1]
    error = np.std(blocks, ddof=1) / np.sqrt(len(blocks))
    print(f"at {temperature} K: NPT {volumes.mean():.5f} ± {error:.5f} Å^3/atom, [eos.solid.thermal] {float(row['volume_A3_per_atom']):.5f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("target/compare/eos-solid"))
    parser.add_argument("--zundel")
    parser.add_argument("--npt", action="store_true")
    parser.add_argument("--temperature", type=int, default=50)
    parser.add_argument("--length", default="20 ps")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    zundel = common.zundel(options.zundel)
    for model in MODELS:
        print(f"\n{model}")
        run(zundel, options.folder, model, head(model) + "[eos.solid]\n")
        summary = json.loads((options.folder / f"{model}.summary.json").read_text())
        beside_ase(options.folder, model, summary)
        beside_quip(options.folder, model, model)
        under_pressure(zundel, options.folder, model, model, summary)
        if options.npt:
            npt(zundel, options.folder, model, model, options.temperature, options.length)


if __name__ == "__main__":
    main()
