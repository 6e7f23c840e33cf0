"""Backends that ask servers over HTTP: their ids are bytes, their model is somewhere else."""
