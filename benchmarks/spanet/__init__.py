"""SPANet measured: its IRNN, its network, a training step."""
