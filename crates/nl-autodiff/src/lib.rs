//! Tensors, a tape and reverse-mode gradients that can be differentiated again.
