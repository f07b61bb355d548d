"""The documentation as a site: the reference pages, which are written from the code, and the links out of `docs/`."""
