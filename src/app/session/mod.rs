//! Who is asking: cookie sessions and bearer tokens, kept in the store, for whichever instance is asked next.

mod access;
mod cookie;
mod identify;
mod local;
mod records;
mod signed_in;
mod tokens;

pub(super) use access::SignedIn;
pub(super) use cookie::SessionCookie;
pub(super) use identify::{SignedInAs, identify, unsaved_is_unavailable};
pub(super) use records::Records;
pub(super) use signed_in::{LOGIN, Login};
pub(super) use tokens::Tokens;
