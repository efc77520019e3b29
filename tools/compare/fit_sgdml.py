#!/usr/bin/env python3
"""Zundel beside the sgdml package: making molecular kernel models from the same data, processor time from start to end.

Both draw their training geometries by themselves (the package at random), find permutations, solve for every σ of the list, and
test on the same frames. Set up and run:

    python3 -m venv .venv
    .venv/bin/pip install sgdml ase "numpy<2.4"
    .venv/bin/python tools/compare/fit_sgdml.py REFERENCE [--zundel PROGRAM] [--cases ethanol50 benzene100] [--threads 2]

REFERENCE is the folder with `sgdml/data`. Printed are processor and wall seconds of whole commands (imports, reading, fit, test and
writing), and errors of energies (MAE) and forces (MAE) in the unit of the data. Ratios above 1 mean that Zundel is faster.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import common

# A script beside this one has the name of the package.
sys.path[:] = [p for p in sys.path if Path(p).resolve() != Path(__file__).resolve().parent]

# Molecule or data set, geometries to learn from, σ, tests, package options.
CASES = {
    "ethanol50": ("ethanol", 50, [10, 20, 30]),
    "ethanol200": ("ethanol", 200, [10, 20]),
    "ethanol400": ("ethanol", 400, [20]),
    "benzene100": ("benzene", 100, [20]),
    "aspirin200": ("aspirin", 200, [20]),
    "cu32_50": ("cu32_emt", 50, [20]),
    "cu27_50": ("cu27_skew_emt", 50, [20]),
}


def dataset(source, target):
    """An rMD17 file as a data set of the package."""
    from sgdml.utils import io

    a = np.load(source)
    d = {
        "type": "d", "code_version": "1.0.3", "name": target.stem, "theory": "unknown",
        "z": a["nuclear_charges"].astype(np.uint8), "R": a["coords"], "E": a["energies"], "F": a["forces"],
        "r_unit": "Ang", "e_unit": "kcal/mol",
    }
    for k in "EF":
        d.update({f"{k}_min": d[k].min(), f"{k}_max": d[k].max(), f"{k}_mean": d[k].mean(), f"{k}_var": d[k].var()})
    d["md5"] = io.dataset_md5(d)
    np.savez_compressed(target, **d)


def timed(command, threads, folder):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    env = {**os.environ, **{name: str(threads) for name in names}}
    before, start = os.times(), time.time()
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder)
    wall, after = time.time() - start, os.times()
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}\n{done.stderr}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout + done.stderr, cpu, wall


def package(program, folder, data, test, count, sigmas, threads):
    """Seconds, and errors of energies and forces that the package reports."""
    model = folder / "package.npz"
    model.unlink(missing_ok=True)
    command = [program, "all", "--cpu", "-p", threads, "-s", *sigmas]
    command += ["-t", test] if test else ["-m", 8]
    tests = 1000 if test else 400
    command = [*command, data, count, 200 if test else 100, tests, "--model_file", model]
    text, cpu, wall = timed([str(c) for c in command], threads, folder)
    found = [float(re.findall(rf"{what}:\s+([0-9.]+)/", text)[-1]) for what in ("Energy", "Forces")]
    return cpu, wall, found


def zundel(program, folder, data, test, count, sigmas, threads, unit):
    """The same of Zundel; the errors are those of the package's own evaluation of the model that Zundel wrote."""
    validation = 200 if test else 100
    deck = f"""version = 1
[[fit.data]]
file = "{data}"
[fit]
file = "zundel.npz"
[fit.sgdml]
points = {count}
validation_points = {validation}
sigma = {list(sigmas)}
energy_unit = "{unit}"
"""
    if test:
        deck += f'[[fit.data]]\nfile = "{test}"\nuse = "test"\n'
    else:
        deck += '[fit.split]\ntest = 400\n'
    (folder / "deck.toml").write_text(deck)
    _, cpu, wall = timed([program, "run", "deck.toml", "--threads", str(threads)], threads, folder)
    return cpu, wall


def judge(model, test):
    from sgdml.predict import GDMLPredict

    frames = np.load(test)
    e, f = GDMLPredict(dict(np.load(model, allow_pickle=True)), use_torch=False).predict(frames["R"].reshape(len(frames["R"]), -1))
    return float(abs(e - frames["E"].ravel()).mean()), float(abs(f - frames["F"].reshape(f.shape)).mean())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("reference", type=Path)
    options.add_argument("--zundel")
    options.add_argument("--sgdml")
    options.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--repeats", type=int, default=1)
    o = options.parse_args()
    program, peer = common.zundel(o.zundel), common.tool("sgdml", o.sgdml)
    if not peer:
        raise SystemExit("the program `sgdml` is not there; see the top of this file")
    common.machine()
    source = (o.reference / "sgdml/data").resolve()
    rows = []
    for case in o.cases:
        name, count, sigmas = CASES[case]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            data, test, unit = source / f"{name}.npz", None, "eV"
            if not data.exists():
                data, test, unit = folder / f"{name}_train.npz", folder / f"{name}_test.npz", "kcal/mol"
                for part, target in (("train", data), ("test", test)):
                    dataset(source / f"rmd17_{name}_{part}_01.npz", target)
            sides = common.in_turns(
                o.repeats,
                lambda: package(peer, folder, data, test, count, sigmas, o.threads),
                lambda: zundel(program, folder, data, test, count, sigmas, o.threads, unit),
            )
            theirs, own = sides
            cpu = [common.median([r[0] for r in side]) for side in sides]
            wall = [common.median([r[1] for r in side]) for side in sides]
            errors = judge(folder / "zundel.npz", test or data)
            rows.append([
                case, f"{cpu[0]:.1f}", f"{cpu[1]:.2f}", f"{cpu[0] / cpu[1]:.1f}", f"{wall[0] / wall[1]:.1f}",
                f"{theirs[-1][2][0]:.4f} {theirs[-1][2][1]:.4f}", f"{errors[0]:.4f} {errors[1]:.4f}",
            ])
    head = ["model", "sgdml CPU s", "zundel CPU s", "CPU ratio", "wall ratio", "sgdml errors", "zundel errors"]
    common.table(head, rows)


if __name__ == "__main__":
    main()
