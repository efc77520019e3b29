#!/usr/bin/env python3
"""Thermal expansion of silicon three ways with the GAP that ships: quasi-harmonic, dynamics, path integrals.

Runs [phonons] with an expansion for classical and quantum nuclei, NPT dynamics at several temperatures, and path integrals with 16
beads at 200 K, all of 64 atoms; prints the edges of the cubic cell and draws them into one SVG.

    python tools/compare/expansion.py --folder target/compare/expansion [--length "250 ps"]

Runs that are complete in the folder are not repeated, so that it can be stopped and started again. An hour or two on two cores.
"""
import argparse
import csv
import pathlib
import subprocess

import common

MODEL = common.ROOT / "potentials" / "silicon-gap" / "silicon.xml"
STRUCTURE = common.ROOT / "inputs" / "silicon.xyz"
HEAD = f"""version = 1
[system]
structure = "{STRUCTURE}"
REPEAT
[potential.gap]
file = "{MODEL}"
"""
DYNAMICS = """[md]
timestep = "{step}"
length = "{length}"
temperature = "{temperature} K"
seed = {temperature}
{beads}
[md.thermostat.langevin]
friction = "2 /ps"
[md.barostat.cell_rescaling]
pressure = "0 bar"
coupling = "isotropic"
time = "0.2 ps"
bulk_modulus = "90 GPa"
[output]
thermo = {{ file = "{name}.csv", every = "20 fs" }}
"""
PHONONS = """[phonons]
supercell = [2, 2, 2]
nuclei = "{nuclei}"
pictures = false
force_constants = false
[phonons.expansion]
volumes = 13
smallest = 0.97
largest = 1.06
"""


def run(zundel, folder, name, text):
    (folder / f"{name}.toml").write_text(text)
    subprocess.run([zundel, "run", f"{name}.toml", "--quiet", "--overwrite"], cwd=folder, check=True)


def quasi_harmonic(zundel, folder, nuclei):
    name = f"phonons-{nuclei}"
    run(zundel, folder, name, HEAD.replace("REPEAT\n", "") + PHONONS.format(nuclei=nuclei))
    rows = csv.DictReader(open(folder / f"{name}.expansion.csv"))
    edge = "cube root of the unit cell's volume (Å)"
    return [(float(r["temperature (K)"]), float(r[edge])) for r in rows if r[edge]]


def dynamics(zundel, folder, temperature, length, step, beads=0):
    """Edge of the cubic cell (Å) and its standard error."""
    name = f"{'quantum' if beads else 'classical'}-{temperature}"
    averages = folder / f"{name}.averages.csv"
    if not averages.is_file():
        text = HEAD.replace("REPEAT", "repeat = [2, 2, 2]") + DYNAMICS.format(
            step=step, length=length, temperature=temperature, name=name, beads=f"beads = {beads}" if beads else "")
        run(zundel, folder, name, text)
    row = next(r for r in csv.DictReader(open(averages)) if r["quantity"] == "cell_a")
    return float(row["mean"]) / 2, float(row["error"]) / 2


def draw(path, curves, points):
    """One SVG: curves [(name, colour, [(x, y)])] and points with errors [(name, colour, [(x, y, error)])]."""
    width, height, left, right, top, bottom = 860, 480, 80, 20, 50, 60
    every = [p for _, _, line in curves for p in line] + [(x, y + s * e) for _, _, p in points for x, y, e in p for s in (-1, 1)]
    low, high = min(p[1] for p in every) - 0.002, max(p[1] for p in every) + 0.002
    most = max(p[0] for p in every)
    at_x = lambda x: left + (width - left - right) * x / most
    at_y = lambda y: top + (height - top - bottom) * (high - y) / (high - low)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="14">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for k in range(int(low / 0.01) + 1, int(high / 0.01) + 1):
        y = at_y(k * 0.01)
        out.append(f'<path d="M{left} {y:.1f}H{width - right}" stroke="#e1e4e8"/><text x="{left - 8}" y="{y + 5:.1f}" text-anchor="end">{k * 0.01:.2f}</text>')
    for t in range(0, int(most) + 1, 200):
        out.append(f'<text x="{at_x(t):.1f}" y="{height - bottom + 22}" text-anchor="middle">{t}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 12}" text-anchor="middle">temperature (K)</text>')
    out.append(f'<text transform="translate(20 {height / 2}) rotate(-90)" text-anchor="middle">edge of the cubic cell (Å)</text>')
    out.append(f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none" stroke="#666"/>')
    place = left
    for name, colour, line in curves:
        path_data = "M" + "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in line)
        out.append(f'<path d="{path_data}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<path d="M{place} 26h26" stroke="{colour}" stroke-width="3"/><text x="{place + 32}" y="31">{name}</text>')
        place += 45 + 8 * len(name)
    for name, colour, dots in points:
        for x, y, e in dots:
            out.append(f'<path d="M{at_x(x):.1f} {at_y(y - e):.1f}V{at_y(y + e):.1f}" stroke="{colour}" stroke-width="2"/>'
                       f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="4.5" fill="{colour}"/>')
        out.append(f'<circle cx="{place + 8}" cy="26" r="4.5" fill="{colour}"/><text x="{place + 20}" y="31">{name}</text>')
        place += 36 + 8 * len(name)
    out.append("</svg>")
    path.write_text("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zundel", type=pathlib.Path, default=common.ROOT / "target" / "release" / "zundel")
    parser.add_argument("--folder", type=pathlib.Path, default=common.ROOT / "target" / "compare" / "expansion")
    parser.add_argument("--length", default="250 ps", help="length of the classical runs")
    parser.add_argument("--quantum-length", default="25 ps", help="length of the run with beads")
    parser.add_argument("--temperatures", type=int, nargs="*", default=[100, 300, 600, 900])
    parser.add_argument("--figure", type=pathlib.Path, help="where to draw; silicon-expansion.svg in the folder by default")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    zundel = str(arguments.zundel.resolve())
    curves = [(f"quasi-harmonic, {n}", c, quasi_harmonic(zundel, folder, n)) for n, c in (("classical", "#c84b00"), ("quantum", "#005aa0"))]
    near = lambda line, t: min(line, key=lambda p: abs(p[0] - t))[1]
    classical = [(t, *dynamics(zundel, folder, t, arguments.length, "2 fs")) for t in arguments.temperatures]
    quantum = [(t, *dynamics(zundel, folder, t, arguments.quantum_length, "1 fs", 16)) for t in (200,)]
    print("edge of the cubic cell (Å)")
    for name, curve, dots in (("NPT dynamics", curves[0], classical), ("path integrals", curves[1], quantum)):
        for t, edge, error in dots:
            q = near(curve[2], t)
            print(f"{t:5d} K  {name} {edge:.5f} +- {error:.5f}   {curve[0]} {q:.5f}   ({(edge - q) / error:+.1f} errors, {(edge / q - 1) * 100:+.3f} %)")
    figure = arguments.figure or folder / "silicon-expansion.svg"
    draw(figure, curves, [("NPT dynamics", "#8a3000", classical), ("path integrals", "#003a70", quantum)])
    print(f"drawn: {figure}")


if __name__ == "__main__":
    main()
