#!/usr/bin/env python3
"""Zundel beside the sgdml package: time of energies and forces of molecular kernel models, one thread each, in turns.

The models that ship with Zundel (ethanol with 400 training points, benzene with 100, aspirin with 200), and any further by
argument, on geometries near the one in `inputs/`: one at a time, and 64 together. The package's numpy back end works with the size
of its chunks that is fastest here, found first; its torch back end is measured when torch is there (`--torch`). Zundel runs
through `zundel bench --json`, the virial included, which the package does not have. Both move the atoms a little before each call.
Before the clock counts, energies and forces of the two are compared.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install sgdml ase "numpy<2.4"
    .venv/bin/python tools/compare/sgdml.py
    .venv/bin/python tools/compare/sgdml.py model.npz --structure molecule.xyz

Printed are medians over the turns in µs per geometry, and the quickest; ratios above 1 mean that Zundel is faster. `--processes`
compares two threads of Zundel with two processes of one thread each on batches. On a busy machine the wall clock of all
sides is too long: take the ratio.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import common

SHIPPED = [(f"potentials/{name}-sgdml/{name}.npz", f"inputs/{name}.xyz") for name in ("ethanol", "benzene", "aspirin")]


def package_worker(model, structure, backend, batch, chunk, seconds):
    """Runs in a process of its own: times calls with a chunk size, or with many to find the best one. Prints one JSON object."""
    import time

    import ase.io
    import numpy as np

    # This file has the name of the package, and its folder comes first.
    here = Path(__file__).resolve().parent
    sys.path = [p for p in sys.path if Path(p or ".").resolve() != here]
    from sgdml.predict import GDMLPredict

    data = dict(np.load(model, allow_pickle=True))
    x = ase.io.read(structure).positions.ravel()
    rng = np.random.default_rng(1)

    def timed(predictor, seconds, least):
        wall = []
        began = time.perf_counter()
        while len(wall) <= least or time.perf_counter() - began < seconds:
            r = x + rng.normal(0, 0.002, (batch, len(x)))
            start = time.perf_counter()
            predictor.predict(r)
            wall.append((time.perf_counter() - start) / batch * 1e6)
        return wall[1:]

    if backend == "torch":
        import torch

        torch.set_num_threads(1)
        predictor = GDMLPredict(data, use_torch=True)
    else:
        predictor = GDMLPredict(data, max_processes=1)
    points = data["R_desc"].shape[1]
    if backend == "numpy" and chunk == 0:
        best = {}
        for divisor in (1, 2, 3, 4, 5, 8, 10, 20, 40):
            size = max(1, points // divisor)
            predictor._set_chunk_size(size)
            best[size] = min(timed(predictor, 0.3, 5))
        chunk = min(best, key=best.get)
    if backend == "numpy":
        predictor._set_chunk_size(chunk)
    wall = timed(predictor, seconds, 3)
    energy, forces = predictor.predict(x[None, :])
    result = {"energy": float(energy[0]), "forces": forces.reshape(-1, 3).tolist(), "chunk": chunk, "wall": wall}
    print("RESULT " + json.dumps(result))


def package(model, structure, backend, batch, chunk, seconds):
    command = [sys.executable, __file__, "--worker", model, structure, backend, batch, chunk, seconds]
    said, _, _ = common.timed([str(c) for c in command])
    return json.loads(said.split("RESULT ", 1)[1])


def bench(program, model, structure, batch, threads, seconds):
    command = [program, "bench", model, structure, "--batch", batch, "--threads", threads, "--seconds", seconds, "--json"]
    return [str(c) for c in command]


def per_geometry(said):
    said = json.loads(said)
    return tuple(said[k] * said["atoms"] for k in ("microseconds_per_atom_step", "fastest_microseconds_per_atom_step"))


def zundel(program, model, structure, batch, seconds, threads=1):
    return per_geometry(common.timed(bench(program, model, structure, batch, threads, seconds))[0])


def two_processes(program, model, structure, batch, seconds):
    """Time for a geometry when two processes share the work: half the harmonic mean of theirs."""
    command = bench(program, model, structure, batch, 1, seconds)
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = [per_geometry(p.communicate()[0]) for p in both]
    return tuple(1 / sum(1 / f[k] for f in found) for k in range(2))


def agreement(program, model, structure, theirs):
    """Largest differences of energy and forces in the units of the model, from `zundel eval`."""
    import io

    import ase.io
    import numpy as np

    said, _, _ = common.timed([program, "eval", str(model), str(structure), "--threads", "1"])
    ours = ase.io.read(io.StringIO(said), format="extxyz")
    # Units cancel in the ratio of the two, so that they need not be known here.
    energy, forces = np.array(theirs["energy"]), np.array(theirs["forces"])
    unit = ours.get_potential_energy() / energy
    return abs(ours.get_forces() / unit - forces).max() / abs(forces).max()


def moved(structure, room):
    import ase.io
    import numpy as np

    atoms = ase.io.read(structure)
    atoms.positions += np.random.default_rng(0).normal(0, 0.02, atoms.positions.shape)
    path = Path(room) / f"{Path(structure).stem}.extxyz"
    ase.io.write(path, atoms, format="extxyz", columns=["symbols", "positions"])
    return path


def main():
    if sys.argv[1:2] == ["--worker"]:
        model, structure, backend, batch, chunk, seconds = sys.argv[2:8]
        return package_worker(model, structure, backend, int(batch), int(chunk), float(seconds))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", nargs="*", help="sGDML files (those that ship with Zundel)")
    p.add_argument("--structure", help="the molecule of the models")
    p.add_argument("--turns", type=int, default=5, help="turns of each side (5)")
    p.add_argument("--seconds", type=float, default=1.0, help="measuring time of a side in a turn (1)")
    p.add_argument("--torch", action="store_true", help="measure the torch back end too")
    p.add_argument("--processes", action="store_true", help="two threads beside two processes instead")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    if options.model and not options.structure:
        p.error("a model needs --structure")
    program = common.zundel(options.zundel)
    jobs = [(common.ROOT / m, common.ROOT / x) for m, x in SHIPPED]
    if options.model:
        jobs = [(Path(m), options.structure) for m in options.model]
    common.machine()
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for model, structure in jobs:
            path = moved(structure, room)
            for batch in (1, 64):
                rows += row(options, program, model, path, batch)
    if options.processes:
        head = ["model", "batch", "2 processes µs (quickest)", "2 threads µs (quickest)", "ratio (quickest)"]
    else:
        head = ["model", "batch", "back end", "package µs (quickest)", "Zundel µs (quickest)", "ratio (quickest)", "ΔF relative"]
    common.table(head, rows)


def row(options, program, model, path, batch):
    name = f"{model.parent.name}/{model.stem}"
    said = lambda a, b: f"{common.median(a):.1f} ± {common.spread(a):.0f} % ({min(b):.1f})"
    if options.processes:
        if batch == 1:
            return []
        theirs, ours = common.in_turns(
            options.turns,
            lambda: two_processes(program, model, path, batch, options.seconds),
            lambda: zundel(program, model, path, batch, options.seconds, threads=2),
        )
        a, b = [[t[0] for t in side] for side in (theirs, ours)]
        q, r = [[t[1] for t in side] for side in (theirs, ours)]
        return [[name, batch, said(a, q), said(b, r), f"{common.median(a) / common.median(b):.2f} ({min(q) / min(r):.2f})"]]
    rows = []
    for backend in ("numpy", "torch") if options.torch else ("numpy",):
        chunk = package(model, path, backend, batch, 0, 0.1)["chunk"] if backend == "numpy" else 0
        theirs, ours = common.in_turns(
            options.turns,
            lambda: package(model, path, backend, batch, chunk, options.seconds),
            lambda: zundel(program, model, path, batch, options.seconds),
        )
        a, q = [common.median(t["wall"]) for t in theirs], [min(t["wall"]) for t in theirs]
        b, r = [o[0] for o in ours], [o[1] for o in ours]
        label = f"numpy, chunks of {chunk}" if backend == "numpy" else "torch"
        ratio = f"{common.median(a) / common.median(b):.1f} ({min(q) / min(r):.1f})"
        rows.append([name, batch, label, said(a, q), said(b, r), ratio, f"{agreement(program, model, path, theirs[0]):.0e}"])
    return rows


if __name__ == "__main__":
    main()
