//! Differentiable layers over one flat, named parameter store.
