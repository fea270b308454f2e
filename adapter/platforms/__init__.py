"""The shop platforms, one file each. A new platform is one new file and one line in `registry.py`."""
