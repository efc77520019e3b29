#!/usr/bin/env python3
"""Zundel beside gap_fit: fits of Gaussian approximation potentials with equal settings, one thread each, in turns.

Two problems of the reference folder: silicon (mlearn; a pair term and SOAP, every n-th training frame, errors on the test frames) and boxes of
methane (six frames of 135 atoms, SOAP for both elements, errors on the other frames of the file). Both choose their sparse points by
leverage with a random generator of their own, so the models differ a little. Both models are then evaluated by quippy, and ours by
Zundel as well: the two must agree.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install quippy-ase ase numpy
    .venv/bin/python tools/compare/fit_gap.py --reference ../shared/reference

Printed are processor time (s), wall time, peak memory and errors; ratios above 1 mean that Zundel takes less.
"""

import argparse
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import common


def measured(command, folder, threads=1):
    """Runs a command; processor seconds, wall seconds, peak memory in MB."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    environment = {**os.environ, **{name: str(threads) for name in names}}
    with open(Path(folder) / "log", "wb") as log:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = (Path(folder) / "log").read_text(errors="replace")
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{text[-4000:]}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "memory": usage.ru_maxrss / 1024}


def frames_of(path, force_key):
    """Frames with `energy` in info and `force` in arrays; nothing else that a program could take for a label."""
    from ase import Atoms
    from ase.io import iread

    with gzip.open(path, "rt") as f:
        text = f.read()
    with tempfile.NamedTemporaryFile("w", suffix=".xyz") as f:
        f.write(text)
        f.flush()
        frames = []
        energies = [float(x) for x in re.findall(r"(?:^|\s)energy=(\S+)", text)]
        for frame, energy in zip(iread(f.name, index=":", format="extxyz"), energies):
            if force_key in frame.arrays:
                force = frame.arrays[force_key]
            else:
                force = frame.calc.results["forces"]
            new = Atoms(frame.symbols, frame.positions, cell=frame.cell, pbc=True)
            new.info["dft_energy"] = energy
            new.arrays["dft_force"] = force
            frames.append(new)
    return frames


def problems(reference, every, points):
    """Name, training frames, test frames, terms for gap_fit, terms for a deck, sigmas, e0."""
    sets = Path(reference) / "datasets"
    silicon = frames_of(sets / "mlearn_elements/Si_training.extxyz.gz", "forces")[::every]
    test = frames_of(sets / "mlearn_elements/Si_test.extxyz.gz", "forces")
    yield {
        "name": f"silicon, {len(silicon)} frames, {sum(map(len, silicon))} atoms, {points[0]} points",
        "train": silicon,
        "test": test,
        "gap": "{distance_2b cutoff=5.0 cutoff_transition_width=1.0 covariance_type=ard_se delta=1.0 theta_uniform=1.0 "
        "n_sparse=20 sparse_method=uniform add_species=T : "
        "soap l_max=8 n_max=8 atom_sigma=0.5 cutoff=5.0 cutoff_transition_width=1.0 delta=0.2 covariance_type=dot_product "
        f"zeta=4 n_sparse={points[0]} sparse_method=cur_points add_species=T}}",
        "deck": '[[fit.gap.pair]]\ncutoff = "5 Å"\n\n[[fit.gap.soap]]\ncutoff = "5 Å"\n' f"points = {points[0]}\n",
        "sigmas": (0.001, 0.1),
        # What a free atom has does not matter here: the mean, for both.
        "e0": {"Si": sum(f.info["dft_energy"] for f in silicon) / sum(map(len, silicon))},
    }
    boxes = frames_of(sets / "veit_methane_2019/mebox-minimal-oos-T110-pbe-b1b.xyz.gz", "force")
    yield {
        "name": f"methane, 6 frames, {sum(map(len, boxes[:6]))} atoms, {points[1]} points an element",
        "train": boxes[:6],
        "test": boxes[6:],
        "gap": "{soap l_max=8 n_max=8 atom_sigma=0.5 cutoff=6.0 cutoff_transition_width=1.0 delta=0.01 covariance_type=dot_product "
        f"zeta=4 n_sparse={points[1]} sparse_method=cur_points add_species=T}}",
        "deck": f'[[fit.gap.soap]]\ncutoff = "6 Å"\ndelta = "0.01 eV"\npoints = {points[1]}\n',
        "sigmas": (1e-4, 2e-3),
        "e0": {"C": 0.0, "H": 0.0},
    }


def deck_of(problem):
    energy, force = problem["sigmas"]
    isolated = "\n".join(f'{k} = "{v!r} eV"' for k, v in problem["e0"].items())
    return (
        '[fit]\nfile = "ours.xml"\n\n[[fit.data]]\nfile = "train.xyz"\nenergy = "dft_energy"\nforces = "dft_force"\n\n'
        f'[fit.gap]\nenergy_sigma = "{energy} eV"\nforce_sigma = "{force} eV/Å"\nvirial_sigma = "0 eV"\n\n'
        f"[fit.gap.isolated_energies]\n{isolated}\n\n{problem['deck']}"
    )


def errors(xml, frames):
    """Root mean square errors of quippy with a model: meV an atom, meV/Å; and its energies."""
    import numpy as np
    from quippy.potential import Potential

    here = os.getcwd()
    os.chdir(Path(xml).parent)
    try:
        potential = Potential("", param_filename=str(xml))
        e, f, energies, forces = [], [], [], []
        for frame in frames:
            atoms = frame.copy()
            atoms.calc = potential
            energies.append(atoms.get_potential_energy())
            forces.append(atoms.get_forces())
            e.append((energies[-1] - frame.info["dft_energy"]) / len(frame))
            f.append((forces[-1] - frame.arrays["dft_force"]).ravel())
    finally:
        os.chdir(here)
    rms = lambda x: 1e3 * float(np.sqrt(np.mean(np.square(x))))
    return rms(e), rms(np.concatenate(f)), energies, forces


def own_predictions(program, xml, structures, folder):
    from ase.io import read

    out = Path(folder) / "predictions.xyz"
    subprocess.run([program, "--quiet", "eval", str(xml), str(structures), "-o", str(out)], check=True)
    frames = read(out, index=":")
    return [(f.get_potential_energy(), f.get_forces()) for f in frames]


def compare(problem, program, gap_fit, repeats, folder):
    import numpy as np
    from ase.io import write

    folder = Path(folder)
    write(folder / "train.xyz", problem["train"], format="extxyz")
    write(folder / "test.xyz", problem["test"], format="extxyz")
    (folder / "deck.toml").write_text(deck_of(problem))
    energy, force = problem["sigmas"]
    e0 = ":".join(f"{k}:{v!r}" for k, v in problem["e0"].items())
    theirs = [
        gap_fit, "at_file=train.xyz", f"gap={problem['gap']}", f"default_sigma={{{energy} {force} 1 1}}",
        "sparse_jitter=1e-10", f"e0={{{e0}}}", "energy_parameter_name=dft_energy", "force_parameter_name=dft_force",
        "virial_parameter_name=none", "sparse_separate_file=T", "gp_file=theirs.xml", "rnd_seed=1",
    ]  # fmt: skip
    ours = [program, "--quiet", "--threads", "1", "run", "--overwrite", "deck.toml"]
    two = [program, "--quiet", "--threads", "2", "run", "--overwrite", "deck.toml"]
    a, b, c = common.in_turns(
        repeats, lambda: measured(theirs, folder), lambda: measured(ours, folder), lambda: measured(two, folder, 2)
    )
    head = ["", "gap_fit", "zundel", "ratio", "zundel, 2 threads"]
    rows = []
    for key, what in [("cpu", "processor time (s)"), ("wall", "wall time (s)"), ("memory", "peak memory (MB)")]:
        x, y, z = (common.median([m[key] for m in side]) for side in (a, b, c))
        rows.append([what, f"{x:.1f}", f"{y:.2f}", f"{x / y:.1f}", f"{z:.2f}"])
    for part in ("train", "test"):
        te, tf, *_ = errors(folder / "theirs.xml", problem[part])
        oe, of, energies, forces = errors(folder / "ours.xml", problem[part])
        rows.append([f"{part} energy RMSE (meV/atom)", f"{te:.4f}", f"{oe:.4f}", f"{te / oe:.2f}", ""])
        rows.append([f"{part} force RMSE (meV/Å)", f"{tf:.3f}", f"{of:.3f}", f"{tf / of:.2f}", ""])
    print(f"## {problem['name']}\n")
    common.table(head, rows)
    own = own_predictions(program, folder / "ours.xml", folder / "test.xyz", folder)
    de = max(abs(e - q) / len(f) for (e, _), q, f in zip(own, energies, problem["test"]))
    df = max(float(np.abs(f - q).max()) for (_, f), q in zip(own, forces))
    print(f"The model in Zundel and in quippy: energies within {de:.1e} eV/atom, forces within {df:.1e} eV/Å.\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", help="zundel; the release build of this clone by default")
    parser.add_argument("--gap-fit", help="gap_fit; beside this Python by default")
    parser.add_argument("--reference", default=common.ROOT.parent / "shared/reference", help="folder of the reference data")
    parser.add_argument("--every", type=int, default=4, help="take every n-th silicon frame")
    parser.add_argument("--points", type=int, nargs=2, default=(300, 200), help="SOAP points of silicon and methane")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", choices=("silicon", "methane"))
    parser.add_argument("--keep", help="folder for the files")
    arguments = parser.parse_args()
    program = common.zundel(arguments.program)
    gap_fit = common.tool("gap_fit", arguments.gap_fit)
    if gap_fit is None:
        raise SystemExit("gap_fit is not there: pip install quippy-ase")
    common.machine()
    for problem in problems(arguments.reference, arguments.every, arguments.points):
        if arguments.only and not problem["name"].startswith(arguments.only):
            continue
        folder = Path(arguments.keep or tempfile.mkdtemp()) / problem["name"].split(",")[0]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            compare(problem, program, gap_fit, arguments.repeats, folder)
        finally:
            if not arguments.keep:
                shutil.rmtree(folder.parent)


if __name__ == "__main__":
    main()
