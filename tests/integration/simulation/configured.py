"""A module of the simulation as a command, with another configuration file: FILE MODULE ..."""

import runpy
import sys
from pathlib import Path

from simulation import config
from simulation.config import loading


def main() -> None:
    """Run the module with what is left of the arguments."""
    path, module, *arguments = sys.argv[1:]
    loading.CONFIGURATION_FILE = config.CONFIGURATION_FILE = Path(path)
    loading.load_settings.__defaults__ = (Path(path),)
    keywords = loading.load_scenario.__kwdefaults__
    assert keywords is not None
    keywords["path"] = Path(path)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
