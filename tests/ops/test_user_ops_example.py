"""The example package says which layers it has, and smashdsl finds them; its own tests stand beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "user_ops"
PROJECT = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
POINTS = dict(re.findall(r'^(\w+) = "(smash_user_ops:\w+)"$', PROJECT, flags=re.MULTILINE))


def run(program: str, at: Path) -> str:
    """Run a program with a folder on the path that packages are found on."""
    lines = f"import sys; sys.path[:0] = [{str(at)!r}, {str(EXAMPLE)!r}]\n{program}"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_installing_it_makes_its_layers_known(tmp_path: Path) -> None:
    info = tmp_path / "smash_user_ops-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smash-user-ops\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {value}" for name, value in POINTS.items())
    (info / "entry_points.txt").write_text(f"[smashdsl.layers]\n{points}\n")
    check = f"from smashdsl.cli.main import main; main(['check', {str(EXAMPLE / 'ghost.smash')!r}])"
    told, heavy = run(f"{check}\nprint({{'torch', 'numpy'}} & set(sys.modules))", tmp_path).splitlines()
    assert "space `ghost` is well made: 47,988 architectures" in told
    assert heavy == "set()"
    owners = "from smashdsl.ops.table import find_user_layer\n" + "\n".join(
        f"print(find_user_layer({name!r}).owner)" for name in POINTS
    )
    assert set(run(owners, tmp_path).splitlines()) == {"package `smash-user-ops`"}
    assert set(POINTS) == {"ghost_conv", "channel_shuffle", "blur_pool"}
