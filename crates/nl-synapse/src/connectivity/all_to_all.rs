//! Every pair once.

use crate::{Csr, Error};

use super::{Pairs, from_rows};

/// A synapse for each of the pairs. For a full matrix [`Dense`](crate::Dense) is smaller and faster; for one weight and no
/// autapses [`AllButSelf`](crate::AllButSelf) costs no memory at all.
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Pairs, all_to_all};
/// let csr = all_to_all(Pairs::recurrent(3, Autapses::Forbid))?;
/// assert_eq!(csr.edges().collect::<Vec<_>>(), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If a population is empty, or there are 2³² pairs or more (found before anything is allocated).
pub fn all_to_all(pairs: Pairs) -> Result<Csr, Error> {
    const NAME: &str = "all-to-all";
    pairs.check(NAME)?;
    from_rows(NAME, (pairs.pre, pairs.post), pairs.count(), |i, targets| {
        targets.extend((0..pairs.targets() as u32).map(|c| pairs.candidate(i, c)));
    })
}
