"""The only folder that talks to the Conversion API, and a local stand-in for it."""
