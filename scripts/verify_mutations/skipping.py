"""What is not checked, because it is not on this machine -> a line on stderr and in the file that RRM_SKIPPED names; the end if RRM_REQUIRE_DATA is set."""

import os
import sys


def skipped(what):
    """Says so, or ends the program."""
    if os.environ.get("RRM_REQUIRE_DATA"):
        sys.exit(f"{what}, and RRM_REQUIRE_DATA is set")
    line = f"skipped: {what}\n"
    sys.stderr.write(line)
    if log := os.environ.get("RRM_SKIPPED"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(line)
