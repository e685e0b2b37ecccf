"""Devices: what computes models. Each is found by the entry-point group `vinoc.devices`."""
