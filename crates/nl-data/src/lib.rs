//! Dataset readers, verified downloads, image transforms, samplers and procedural digits.
