//! Brain regions from retina to prefrontal cortex, with hippocampus, basal ganglia and cerebellum.
