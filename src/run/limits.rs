//! File descriptors: every session in flight may hold a connection.

use super::error::RunError;
use crate::plan::Plan;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises this process's limit where the plan needs more and more is allowed. The lab's processes inherit it, and its
/// balancer holds each connection twice, so that much is asked for where it can be had.
///
/// # Errors
/// [`RunError::Descriptors`] when less is allowed than this process needs.
pub fn raise_descriptors(plan: &Plan) -> Result<(), RunError> {
    let needed = plan.estimate().file_descriptors;
    // A system that does not tell its limit is taken to have none.
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    if needed > hard {
        return Err(RunError::Descriptors { needed, allowed: hard });
    }
    let wanted = (2 * needed).min(hard);
    if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() && needed > soft {
        return Err(RunError::Descriptors { needed, allowed: soft });
    }
    Ok(())
}
