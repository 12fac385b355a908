"""Programs that people use edit the files of a project while its engine reads, saves other chunks, heals and archives."""

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[3] / "tools" / "soak_edits.py"


def test_no_edit_of_a_real_program_is_lost_beside_an_engine() -> None:
    """Kills: healing over a file that is being written; removing temporary files of others (G15)."""
    done = subprocess.run(
        [sys.executable, str(SOAK), "--edits", "200", "--seed", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 edits by real programs, 0 lost, 0 foreign files touched" in done.stdout
