//! Episodic memory: an exact k-nearest-neighbour store with bounded capacity.
