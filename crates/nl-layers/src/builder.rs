//! Declares parameters under scoped paths and draws their first values.

use std::cell::RefCell;
use std::rc::Rc;

use nl_autodiff::Shape;
use nl_random::Streams;

use crate::error::At;
use crate::{Entry, Error, Fans, Initializer, ParameterId, Parameters, Role};

/// Collects the parameters of a model while its layers are built; a [`child`](Self::child) writes to the same store
/// under a longer path.
///
/// A parameter's first values depend on the seed, its own path, shape and initialiser, and on nothing else: adding a
/// layer leaves all others as they were.
///
/// ```
/// use nl_layers::{Builder, Initializer, Linear, Parameters};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let head = Linear::new(&builder.child("prefrontal")?, 128, 10, Initializer::XavierUniform)?;
/// let parameters: Parameters<f32> = builder.finish();
/// assert_eq!(parameters.entries()[0].path, "prefrontal/weight");
/// assert_eq!(parameters.len(), 1290);
/// # Ok::<(), nl_layers::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    streams: Streams,
    path: String,
    store: Rc<RefCell<Store>>,
}

#[derive(Debug, Default)]
struct Store {
    values: Vec<f32>,
    entries: Vec<Entry>,
}

impl Builder {
    /// An empty store, whose values will be drawn from `streams`.
    #[must_use]
    pub fn new(streams: Streams) -> Self {
        Self { streams, path: String::new(), store: Rc::default() }
    }

    /// The path of this scope; empty at the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The scope `name` below this one, over the same store.
    ///
    /// # Errors
    /// [`Error::Name`] if `name` is empty or contains `/`.
    pub fn child(&self, name: &str) -> Result<Self, Error> {
        Ok(Self { streams: self.streams, path: self.join(name)?, store: Rc::clone(&self.store) })
    }

    /// Declares a parameter and draws its values from the stream `init/<path>`; fans as in [`Fans::of`].
    ///
    /// # Errors
    /// [`Error::Name`] and [`Error::DuplicatePath`] for a path that cannot be used, [`Error::Op`] and
    /// [`Error::Hyperparameter`] for a shape that no tensor can have, or that is empty, and for an initialiser that cannot fill it.
    pub fn parameter(
        &self,
        name: &str,
        shape: &[usize],
        role: Role,
        initializer: Initializer,
    ) -> Result<ParameterId, Error> {
        self.parameter_with_fans(name, shape, Fans::of(shape), role, initializer)
    }

    /// As [`parameter`](Self::parameter), for shapes whose fans do not follow from `[out, in, …]`.
    ///
    /// # Errors
    /// As [`parameter`](Self::parameter).
    pub fn parameter_with_fans(
        &self,
        name: &str,
        shape: &[usize],
        fans: Fans,
        role: Role,
        initializer: Initializer,
    ) -> Result<ParameterId, Error> {
        let path = self.join(name)?;
        let len = Shape::new(shape).at(&path)?.len();
        if len == 0 {
            return Err(Error::hyperparameter(&path, format!("no parameter has the shape {shape:?}; sizes are >= 1")));
        }
        let mut store = self.store.borrow_mut();
        if store.entries.iter().any(|entry| entry.path == path) {
            return Err(Error::DuplicatePath { path });
        }
        let mut rng = self.streams.rng(&format!("init/{path}"), 0, 0);
        let offset = store.values.len();
        store.values.resize(offset + len, 0.0);
        let filled = initializer.fill(shape, fans, &mut rng, &mut store.values[offset..]);
        if let Err(message) = filled {
            store.values.truncate(offset);
            return Err(Error::Hyperparameter { path, message });
        }
        store.entries.push(Entry { path, shape: shape.to_vec(), offset, role });
        Ok(ParameterId(store.entries.len() - 1))
    }

    /// Numbers declared so far, by this builder and its relatives.
    #[must_use]
    pub fn declared(&self) -> usize {
        self.store.borrow().values.len()
    }

    /// All parameters declared so far, by this builder and its relatives.
    #[must_use]
    pub fn finish(&self) -> Parameters<f32> {
        let store = self.store.borrow();
        Parameters::new(store.values.clone(), store.entries.clone()).expect("declared one after the other")
    }

    fn join(&self, name: &str) -> Result<String, Error> {
        if name.is_empty() || name.contains('/') {
            return Err(Error::Name { path: self.path.clone(), name: name.to_owned() });
        }
        Ok(if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_depend_on_the_own_path_only() {
        let alone = Builder::new(Streams::new(3));
        alone.child("b").unwrap().parameter("weight", &[5, 4], Role::Weight, Initializer::XavierNormal).unwrap();
        let after = Builder::new(Streams::new(3));
        after.child("a").unwrap().parameter("weight", &[7, 4], Role::Weight, Initializer::XavierNormal).unwrap();
        after.child("b").unwrap().parameter("weight", &[5, 4], Role::Weight, Initializer::XavierNormal).unwrap();
        assert_eq!(alone.finish().values(), &after.finish().values()[28..]);
        let other_seed = Builder::new(Streams::new(4));
        other_seed.child("b").unwrap().parameter("weight", &[5, 4], Role::Weight, Initializer::XavierNormal).unwrap();
        assert_ne!(alone.finish().values(), other_seed.finish().values());
    }

    #[test]
    fn paths_are_unique_and_unambiguous() {
        let builder = Builder::new(Streams::new(1)).child("v1").unwrap();
        builder.parameter("bias", &[2], Role::Bias, Initializer::Zeros).unwrap();
        let twice = builder.parameter("bias", &[2], Role::Bias, Initializer::Zeros);
        assert_eq!(twice, Err(Error::DuplicatePath { path: "v1/bias".into() }));
        assert!(matches!(builder.child("a/b"), Err(Error::Name { .. })));
        assert!(matches!(builder.child(""), Err(Error::Name { .. })));
        assert!(matches!(
            builder.parameter("x", &[2, 0], Role::Bias, Initializer::Zeros),
            Err(Error::Hyperparameter { .. })
        ));
        assert!(matches!(
            builder.parameter("x", &[usize::MAX, 2], Role::Bias, Initializer::Zeros),
            Err(Error::Op { .. })
        ));
        assert_eq!(builder.finish().len(), 2, "a failed declaration leaves nothing behind");
    }
}
