#!/usr/bin/env python3
"""Analyses of one trajectory by Zundel, MDAnalysis and numpy, side by side: processor time and agreement.

    python3 tools/compare/analyse.py [--atoms 1000] [--frames 2000] [--turns 5]

Needs numpy, h5py and MDAnalysis. A trajectory of a gas in a box is made (positions and velocities in single precision, as runs
write them). Radial distribution function up to half of the box in 200 bins, mean square displacement over the whole trajectory by
FFT (MDAnalysis needs the package tidynamics for it; without it its direct sum is left out), and the velocity autocorrelation as a few
lines of numpy do it. One thread each; processor seconds with reading the file; medians of turns, and the spread of the middle half.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import common

GAS = """
import numpy as np, h5py, sys
path, atoms, frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(1)
edge = (atoms / 0.02) ** (1 / 3)
x = rng.random((atoms, 3)) * edge
v = rng.normal(size=(atoms, 3)) * 0.003
text = h5py.string_dtype()
with h5py.File(path, "w") as f:
    f.create_group("h5md").attrs["version"] = [1, 1]
    f["h5md"].create_group("creator").attrs["name"] = "compare"
    g = f.create_group("particles/trajectory")
    g["species"] = np.full(atoms, 18, "i4")
    g["mass"] = np.full(atoms, 39.948)
    def element(name, shape, kind, unit):
        e = g.create_group(name)
        e.create_dataset("value", (frames, *shape), kind, chunks=(1, *shape)).attrs["unit"] = unit
        return e
    position = element("position", (atoms, 3), "f4", "Angstrom")
    velocity = element("velocity", (atoms, 3), "f4", "Angstrom fs-1")
    position["step"] = np.arange(frames) * 4
    position.create_dataset("time", data=np.arange(frames) * 4.0).attrs["unit"] = "fs"
    box = g.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = np.array(["periodic"] * 3, dtype=text)
    edges = box.create_group("edges")
    edges.create_dataset("value", data=np.repeat(np.eye(3)[None] * edge, frames, 0)).attrs["unit"] = "Angstrom"
    for e in (velocity, edges):
        e["step"], e["time"] = position["step"], position["time"]
    for k in range(frames):
        v = 0.99 * v + rng.normal(size=v.shape) * 0.003 * np.sqrt(1 - 0.99**2)
        x = x + 4 * v
        position["value"][k], velocity["value"][k] = x, v
"""

RDF = """
import sys, numpy as np, MDAnalysis as mda, warnings
warnings.simplefilter("ignore")
from MDAnalysis.analysis.rdf import InterRDF
u = mda.Universe(sys.argv[1])
reach = u.dimensions[0] / 2 * 0.999
a = u.atoms
r = InterRDF(a, a, nbins=200, range=(0, reach), exclusion_block=(1, 1)).run().results
np.savetxt(sys.argv[2], np.column_stack([r.bins, r.rdf]))
"""

MSD = """
import sys, numpy as np, MDAnalysis as mda, warnings
warnings.simplefilter("ignore")
from MDAnalysis.analysis.msd import EinsteinMSD
u = mda.Universe(sys.argv[1])
r = EinsteinMSD(u, select="all", msd_type="xyz", fft=True).run().results
np.savetxt(sys.argv[2], r.timeseries)
"""

VACF = """
import sys, numpy as np, h5py
with h5py.File(sys.argv[1]) as f:
    v = f["particles/trajectory/velocity/value"][:].astype("f8")
v -= v.mean(1, keepdims=True)
n, size = len(v), 2 * len(v)
c = np.zeros(n)
for k in range(v.shape[1]):
    s = np.fft.rfft(v[:, k], size, axis=0)
    c += np.fft.irfft((s * s.conj()).real, size, axis=0)[:n].sum(1)
c /= np.arange(n, 0, -1)
np.savetxt(sys.argv[2], c / c[0])
"""


def column(path, name):
    with open(path) as f:
        return [float(row[name]) for row in csv.DictReader(f)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--atoms", type=int, default=1000)
    p.add_argument("--frames", type=int, default=2000)
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    program = common.zundel(options.zundel)
    common.machine()
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        path, out = folder / "gas.h5md", folder / "out.txt"
        subprocess.run([sys.executable, "-c", GAS, path, str(options.atoms), str(options.frames)], check=True)
        size = os.path.getsize(path) / 1e6
        edge = (options.atoms / 0.02) ** (1 / 3)
        span = 4 * (options.frames - 1)
        print(f"{options.atoms} atoms, {options.frames} frames, {size:.0f} MB\n")

        def ours(*words):
            command = [program, "analyse", *words, str(path), "-o", str(folder), "--overwrite", "-j", "1", "--quiet"]
            return lambda: common.timed(command)[2]

        def theirs(script):
            return lambda: common.timed([sys.executable, "-c", script, str(path), str(out)])[2]

        def nothing():
            return common.timed([sys.executable, "-c", "import MDAnalysis.analysis.rdf, h5py"])[2]

        start = common.median([nothing() for _ in range(3)])
        rows = []

        def compare(what, mine, other, script, difference):
            a, b = common.in_turns(options.turns, mine, theirs(script))
            ratio = common.median(b) / common.median(a)
            both = [f"{common.median(t):.2f} s (±{common.spread(t):.0f} %)" for t in (a, b)]
            rows.append([what, both[0], f"{size / common.median(a):.0f}", f"{other} {both[1]}", f"{ratio:.1f}", f"{difference():.1e}"])

        def rdf():
            g = np.array(column(folder / "gas.rdf.csv", "g Ar-Ar"))
            other = np.loadtxt(out)[:, 1]
            return np.abs(g[20:-1] - other[20:-1]).max()

        def msd():
            m = np.array(column(folder / "gas.msd.csv", "all (Å^2)"))
            other = np.loadtxt(out)[: len(m)]
            return (np.abs(m - other)[1:] / other[1:]).max()

        def vacf():
            c = np.array(column(folder / "gas.vacf.csv", "correlation of all"))
            return np.abs(c - np.loadtxt(out)[: len(c)]).max()

        reach = f"{0.999 * edge / 2} Å"
        compare("rdf", ours("rdf", "--reach", reach, "--bins", "200"), "MDAnalysis", RDF, rdf)
        if subprocess.run([sys.executable, "-c", "import tidynamics"], capture_output=True).returncode == 0:
            compare("msd", ours("msd", "--keep-drift", "--lag", f"{span} fs"), "MDAnalysis", MSD, msd)
        compare("vacf", ours("vdos", "--longest-lag", f"{span} fs"), "numpy", VACF, vacf)
        head = ["analysis", "Zundel", "MB/s", "other program", "ratio", "largest difference"]
        common.table(head, rows)
        print(f"\n(Python takes {start:.2f} s to start and import; it is in its times)")


if __name__ == "__main__":
    main()
