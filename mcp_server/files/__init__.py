"""Files of this machine: written whole or not at all, their digests, who may write them, room on the disk, YAML."""
