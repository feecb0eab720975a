//! The columns of `requests/*.parquet`. Their meaning is told in `results/README.md`.

use crate::history::{ConnectionUse, Identity, Outcome, StateOp};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};
use std::sync::Arc;

const SCHEMA: &str = "
message request {
    required int64 session;
    required int32 user (INTEGER(32,false));
    required binary scenario (STRING);
    required binary step (STRING);
    required int32 part;
    required int64 intended_us;
    required int64 started_us;
    optional int64 first_byte_us;
    required int64 last_byte_us;
    required binary outcome (STRING);
    required int32 status;
    required int64 body_bytes;
    optional binary instance (STRING);
    optional binary zone (STRING);
    optional binary address (STRING);
    required binary connection (STRING);
    required boolean affinity;
    required binary identity (STRING);
    required int64 found_identity;
    required boolean last_of_session;
    required group states (LIST) {
        repeated group list {
            required group element {
                required binary name (STRING);
                required binary op (STRING);
                required int64 value;
            }
        }
    }
}";

pub(super) fn schema() -> TypePtr {
    Arc::new(parse_message_type(SCHEMA).expect("the schema is well formed"))
}

/// Numbers that go up along the file are kept as differences; they hardly repeat, so a dictionary would only cost.
const DELTAS: [&str; 5] = ["session", "intended_us", "started_us", "first_byte_us", "last_byte_us"];

pub(super) fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("rushhour ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for name in DELTAS {
        properties = properties
            .set_column_encoding(name.into(), Encoding::DELTA_BINARY_PACKED)
            .set_column_dictionary_enabled(name.into(), false)
            .set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
    }
    properties.build()
}

/// Names of the closed sets, in the order of their codes.
pub(super) fn outcome_names() -> Vec<&'static str> {
    Outcome::ALL.map(Outcome::name).to_vec()
}

/// Place in [`outcome_names`].
pub(super) fn outcome_code(outcome: Outcome) -> u16 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::Unexpected => 1,
        Outcome::Failed(failure) => 2 + failure as u16,
    }
}

pub(super) fn connection_names() -> Vec<&'static str> {
    ConnectionUse::ALL.map(ConnectionUse::name).to_vec()
}

pub(super) fn identity_names() -> Vec<&'static str> {
    Identity::ALL.map(Identity::name).to_vec()
}

pub(super) const STATE_OP_NAMES: [&str; 10] =
    ["add", "set", "counted", "found", "missing", "job-started", "job-pending", "job-done", "job-lost", "job-overdue"];

/// Place in [`STATE_OP_NAMES`], state and value (0 where it has none).
pub(super) fn taken_apart(op: StateOp) -> (u16, u8, i64) {
    match op {
        StateOp::Add { state, amount } => (0, state, amount),
        StateOp::Set { state, value } => (1, state, value),
        StateOp::Counted { state, found } => (2, state, found),
        StateOp::Found { state, value } => (3, state, value),
        StateOp::Missing { state } => (4, state, 0),
        StateOp::JobStarted { state } => (5, state, 0),
        StateOp::JobPending { state } => (6, state, 0),
        StateOp::JobDone { state } => (7, state, 0),
        StateOp::JobLost { state } => (8, state, 0),
        StateOp::JobOverdue { state } => (9, state, 0),
    }
}

/// The reverse of [`taken_apart`].
pub(super) fn put_together(op: u16, state: u8, value: i64) -> Option<StateOp> {
    Some(match op {
        0 => StateOp::Add { state, amount: value },
        1 => StateOp::Set { state, value },
        2 => StateOp::Counted { state, found: value },
        3 => StateOp::Found { state, value },
        4 => StateOp::Missing { state },
        5 => StateOp::JobStarted { state },
        6 => StateOp::JobPending { state },
        7 => StateOp::JobDone { state },
        8 => StateOp::JobLost { state },
        9 => StateOp::JobOverdue { state },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_places_in_the_lists_of_names() {
        assert!(Outcome::ALL.into_iter().enumerate().all(|(at, o)| usize::from(outcome_code(o)) == at));
        assert!(ConnectionUse::ALL.into_iter().enumerate().all(|(at, c)| c as usize == at));
        assert!(Identity::ALL.into_iter().enumerate().all(|(at, i)| i as usize == at));
        for code in 0..STATE_OP_NAMES.len() as u16 {
            let op = put_together(code, 3, 0).expect("there is an operation for each name");
            assert_eq!(taken_apart(op), (code, 3, 0));
        }
        assert_eq!(put_together(STATE_OP_NAMES.len() as u16, 0, 0), None);
    }
}
