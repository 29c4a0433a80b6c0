"""Gradients and kernels -> values. No configs, no disk, no names of data sets: what a method sees is a Problem."""
