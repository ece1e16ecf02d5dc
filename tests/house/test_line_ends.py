"""Line ends: LF in every checkout, whatever the system; binary fixtures keep their bytes."""

from __future__ import annotations

import subprocess


def test_every_text_file_has_lf_line_ends() -> None:
    listed = subprocess.check_output(["git", "ls-files", "--eol"], text=True).splitlines()
    texts = [line for line in listed if not line.startswith("i/-text")]
    assert [line for line in texts if not line.startswith(("i/lf", "i/none")) or "eol=lf" not in line] == []
    assert all("attr/-text" in line for line in listed if line.startswith("i/-text"))
