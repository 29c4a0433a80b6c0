"""Every way to make synthetic data, one generator a file. What a contributor mixes of it is decided in tasks/."""
