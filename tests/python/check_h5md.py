"""Checks trajectories with h5py and MDAnalysis, as their users would open them: no option, no repair.

    check_h5md.py files PATH FRAMES PATH FRAMES ...    files, each of which must hold so many frames
    check_h5md.py beads PATH ROWS VIEW VIEW ...        a file with beads, its rows of them, and a view of every bead
    check_h5md.py replay EVENTS WINDOWS                the states that a recorded sequence of writes runs through
"""

import os
import struct
import sys
import tempfile
import warnings

import h5py
import MDAnalysis
import numpy as np

PAGE = 4096
GROUP = "particles/trajectory"


def check_attributes(f):
    """What the H5MD standard and the strictest reader ask for."""
    assert list(f["h5md"].attrs["version"]) == [1, 1]
    assert f["h5md/creator"].attrs["name"] == "zundel"
    assert f["h5md/author"].attrs["name"]
    assert f["h5md/modules/units"].attrs["system"] == "SI"
    assert list(f["particles"]) == ["trajectory"]
    group = f[GROUP]
    assert group["box"].attrs["dimension"] == 3
    boundary = list(group["box"].attrs["boundary"])
    assert len(boundary) == 3 and set(boundary) <= {"periodic", "none"}
    assert ("edges" in group["box"]) == ("periodic" in boundary)
    units = {"position": "Angstrom", "velocity": "Angstrom fs-1", "force": "kJ mol-1 Angstrom-1"}
    for name, unit in units.items():
        if name in group:
            value = group[name]["value"]
            assert value.attrs["unit"] == unit
            # Fixed-length strings are not understood by MDAnalysis.
            assert value.attrs.get_id("unit").get_type().is_variable_str()
            assert group[name]["step"] == group["position/step"], "steps are shared by hard links"
            assert group[name]["time"] == group["position/time"]
    assert group["position/time"].attrs["unit"] == "fs"
    assert group["mass"].attrs["unit"] == "u"
    atoms = group["position/value"].shape[1]
    assert group["species"].shape == group["mass"].shape == group["id"].shape == (atoms,)
    for name in f["observables"]:
        assert f["observables"][name]["step"] == group["position/step"]
    assert f["parameters/deck"][()].decode().startswith("version = 1")


def check_contents(path, frames, last=None):
    """The same numbers through h5py and MDAnalysis, which looks at the `last` frames only if that is given."""
    with h5py.File(path, "r") as f:
        check_attributes(f)
        group = f[GROUP]
        position = group["position/value"][()]
        count = len(position)
        assert count in frames, f"{count} frames"
        steps = group["position/step"][()]
        time = group["position/time"][()]
        assert len(steps) == count, f"{len(steps)} steps for {count} frames"
        assert list(steps) == [10 * i for i in range(count)]
        extra = {n: group[n]["value"][:count] for n in ("velocity", "force") if n in group}
        observables = {n: f["observables"][n]["value"][:count] for n in f["observables"]}
        for values in list(extra.values()) + list(observables.values()):
            assert len(values) == count
        boxed = "edges" in group["box"]
        edges = group["box/edges/value"][:count] if boxed else None
        energies = observables["potential_energy"]
        assert np.array_equal(energies, -np.arange(count) / 3.0)
    # The formula of the test's trajectories.
    i = np.arange(position.shape[1])[:, None] * 3 + np.arange(3)[None, :]
    pattern = np.sin(i + 0.1) * 10.0
    for frame in range(count):
        wanted = pattern + np.cos(0.7 * frame)
        assert np.allclose(position[frame], wanted, rtol=1e-6, atol=1e-6), f"positions of frame {frame}"

    universe = MDAnalysis.Universe(path)
    assert universe.trajectory.n_frames == count
    first = 0 if last is None else max(0, count - last)
    # Without a slice the reader runs until it meets the end by itself.
    frames_seen = universe.trajectory[first:] if first else universe.trajectory
    seen = first
    for k, ts in enumerate(frames_seen, first):
        assert np.allclose(ts.positions, position[k], rtol=1e-6, atol=1e-6)
        assert abs(ts.time - 1e-3 * time[k]) < 1e-6, "MDAnalysis counts in ps"
        if "velocity" in extra:
            assert np.allclose(ts.velocities, 1e3 * extra["velocity"][k], rtol=1e-5, atol=1e-3)
        if "force" in extra:
            assert np.allclose(ts.forces, extra["force"][k], rtol=1e-5, atol=1e-3)
        if boxed:
            if np.linalg.det(edges[k]) != 0:
                assert abs(ts.dimensions[0] - np.linalg.norm(edges[k][0])) < 1e-4
        else:
            assert ts.dimensions is None
        for name, values in observables.items():
            assert ts.data[name] == values[k]
        assert ts.data["step"] == steps[k]
        seen += 1
    assert seen == count, f"MDAnalysis stopped after {seen} of {count} frames"
    universe.trajectory.close()


def check_beads(path, rows, views):
    """The beads as h5py finds them, and each bead as MDAnalysis sees it through its view."""
    with h5py.File(path, "r") as f:
        assert list(f["h5md/modules/path_integral"].attrs["version"]) == [0, 1]
        group = f["path_integral"]
        assert group.attrs["beads"] == len(views)
        assert group.attrs["temperature"] == 300.0
        assert group.attrs["mode_transform"] == "orthonormal-real"
        bead = {n: group[n]["value"][()] for n in ("position", "velocity", "force", "bead_energy") if n in group}
        atoms = f[GROUP]["position/value"].shape[1]
        for name, values in bead.items():
            wanted = (rows, len(views)) + ((atoms, 3) if name != "bead_energy" else ())
            assert values.shape == wanted, f"{name}: {values.shape}"
            assert group[name]["step"] == group["position/step"], "steps are shared by hard links"
            assert group[name]["time"] == group["position/time"]
            assert group[name]["value"].attrs.get_id("unit").get_type().is_variable_str()
        steps, time = group["position/step"][()], group["position/time"][()]
        assert len(steps) == len(time) == rows
        boxed = "edges" in group["box"]
        edges = group["box/edges/value"][()] if boxed else None
    for b, view in enumerate(views):
        assert os.path.getsize(view) < 20000, "a view is small"
        universe = MDAnalysis.Universe(view)
        assert universe.trajectory.n_frames == rows
        for k, ts in enumerate(universe.trajectory):
            assert np.array_equal(ts.positions, bead["position"][k, b].astype(np.float32)), f"bead {b}, row {k}"
            assert abs(ts.time - 1e-3 * time[k]) < 1e-6
            assert ts.data["step"] == steps[k]
            assert ts.data["potential_energy"] == bead["bead_energy"][k, b]
            if "velocity" in bead:
                assert np.allclose(ts.velocities, 1e3 * bead["velocity"][k, b], rtol=1e-5, atol=1e-3)
            if "force" in bead:
                assert np.allclose(ts.forces, bead["force"][k, b], rtol=1e-5, atol=1e-3)
            if boxed:
                assert abs(ts.dimensions[0] - np.linalg.norm(edges[k][0])) < 1e-4
            else:
                assert ts.dimensions is None
        assert k == rows - 1
        universe.trajectory.close()


def replay(log_path, windows):
    """Every state between the reports in the windows, page by page."""
    windows = [tuple(map(int, w.split("-"))) for w in windows.split(",")]
    with open(log_path, "rb") as log:
        data = log.read()
    at, reported, states = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "replay.h5md")
        with open(path, "w+b", buffering=0) as f:
            while at < len(data):
                code, number, size = struct.unpack_from("<BQQ", data, at)
                body = data[at + 17 : at + 17 + size]
                at += 17 + size
                if code == 2:
                    reported = number
                    continue
                pieces = []
                if code == 1:
                    pieces.append((number, None))
                while body:
                    n = PAGE - number % PAGE
                    pieces.append((number, body[:n]))
                    number, body = number + len(body[:n]), body[n:]
                for address, piece in pieces:
                    if piece is None:
                        f.truncate(address)
                    else:
                        f.seek(address)
                        f.write(piece)
                    if any(a <= reported <= b for a, b in windows):
                        check_contents(path, (reported, reported + 1), last=2)
                        states += 1
    assert states > 20, states
    print(f"{states} states, all readable with h5py {h5py.__version__} and MDAnalysis {MDAnalysis.__version__}")


def main():
    warnings.simplefilter("ignore")
    kind, *arguments = sys.argv[1:]
    if kind == "files":
        for path, frames in zip(arguments[::2], arguments[1::2]):
            check_contents(path, (int(frames),))
    elif kind == "beads":
        check_beads(arguments[0], int(arguments[1]), arguments[2:])
    else:
        replay(*arguments)


main()
