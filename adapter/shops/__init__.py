"""Mapping files (TOML, `extends`, `$NAME`) become checked shops, with every problem at once. One file is one shop."""
