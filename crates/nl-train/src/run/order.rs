//! Whether stages come in an order in which each finds what it needs.

use super::{ConfigOf, Model, Stage};
use crate::Error;

/// `Ok` if every stage is given what it needs by the stages before it.
///
/// # Errors
/// [`Error::Under`] naming the stage, what it needs and what would give it.
pub(crate) fn check<M: Model>(config: &ConfigOf<M>) -> Result<(), Error> {
    let kinds = <M::Stage as Stage>::KINDS;
    let of = |kind: &str| kinds.iter().find(|known| known.kind == kind);
    let mut given: Vec<&str> = Vec::new();
    for (i, stage) in config.stages.iter().enumerate() {
        let Some(kind) = of(stage.kind()) else { continue };
        if let Some(missing) = kind.needs.iter().find(|need| !given.contains(need)) {
            let givers: Vec<String> =
                kinds.iter().filter(|k| k.gives.contains(missing)).map(|k| format!("`{}`", k.kind)).collect();
            let message = format!("`{}` needs {missing}; put a stage {} before it", kind.kind, givers.join(" or "));
            return Err(Error::config(message).under(&format!("stages[{i}]")));
        }
        given.extend(kind.gives);
    }
    Ok(())
}
