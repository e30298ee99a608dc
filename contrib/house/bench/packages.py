"""Packages of the distribution, downloaded by apt and unpacked under var/peers, never installed."""

import glob
import os
import shutil
import tempfile

from ..process import run


def fetch(tree, names):
    """Unpacks the packages into tree where that was not done before. Returns {package: version}."""
    done = os.path.join(tree, "whole")
    if not os.path.exists(done) or set(names) - {line.split()[0] for line in open(done, encoding="utf-8")}:
        shutil.rmtree(tree, ignore_errors=True)
        os.makedirs(tree)
        versions = []
        # The world-readable system temporary folder: apt fetches as a user of its own.
        with tempfile.TemporaryDirectory(prefix="mtagw-deb-") as folder:
            run(["apt-get", "-q", "download", *names], f"apt-get download {' '.join(names)}", limit=300, cwd=folder)
            for deb in sorted(glob.glob(os.path.join(folder, "*.deb"))):
                run(["dpkg-deb", "-x", deb, tree], "unpacking", limit=120)
                versions.append(" ".join(os.path.basename(deb).split("_")[:2]))
        with open(done, "w", encoding="utf-8") as f:
            f.write("\n".join(versions) + "\n")
    with open(done, encoding="utf-8") as f:
        return dict(line.split() for line in f)
