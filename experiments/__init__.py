"""The only folder that touches disk, clock, network and figures. Here: the commands; rooms below, in order from the
ground: runtime, reporting, data, training, synthetic, tasks, studies and benchmarks.
"""
